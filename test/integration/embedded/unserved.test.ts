import {readFile} from 'node:fs/promises'
import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

const embedded = backends.filter(({name}) => name === 'embedded')

describe.each(embedded)('a feature of Consul that the $name agent lacks', backend => {
  const agent = sharedAgent(backend)
  const unserved = [
    ['GET', '/v1/config/service-defaults/web', 'configuration entries'],
    ['PUT', '/v1/config', 'configuration entries'],
    ['POST', '/v1/query', 'prepared queries'],
    ['GET', '/v1/query/q/execute', 'prepared queries'],
    ['GET', '/v1/agent/monitor', 'the log stream'],
    ['GET', '/v1/agent/host', 'facts about the host'],
    ['GET', '/v1/agent/connect/ca/roots', 'Connect'],
    ['GET', '/v1/health/connect/web', 'Connect'],
    ['GET', '/v1/internal/ui/nodes', 'the web interface'],
    ['GET', '/v1/operator/keyring', 'the keyring'],
    ['DELETE', '/v1/operator/raft/peer', 'removal of Raft peers'],
    ['PUT', '/v1/coordinate/update', 'updates of coordinates'],
  ] as const

  it.each(unserved)('is named in the refusal of %s %s', async (method, path, what) => {
    const text = `baton dev does not serve ${what}: ${method} ${path}`
    expect(await raw(agent.address).request(method, path)).toMatchObject({status: 501, text})
  })

  it('is listed in the documentation', async () => {
    const doc = (await readFile('docs/commands/dev.md', 'utf8')).toLowerCase()
    for (const [, , what] of unserved) expect(doc).toContain(what.toLowerCase().replace(/^removal of/, ''))
  })

  it.each([
    {Kind: 'connect-proxy', Port: 1, Proxy: {DestinationServiceName: 'web'}},
    {Connect: {SidecarService: {}}},
    {Connect: {Native: true}},
  ])('is refused in a registration that declares %j', async declared => {
    const consul = raw(agent.address)
    const body = JSON.stringify({Name: 'web', ...declared})
    expect(await consul.request('PUT', '/v1/agent/service/register', {body})).toMatchObject({
      status: 501,
      text: expect.stringContaining('does not serve Connect (Kind, Proxy and Connect of a service)'),
    })
    expect(await consul.get('/v1/agent/services')).toEqual({})
  })

  it('is not refused in a registration whose Connect fields are empty, as Go clients send them', async () => {
    const body = JSON.stringify({Name: 'plain', Kind: '', Proxy: {}, Connect: {Native: false}})
    await raw(agent.address).ok('PUT', '/v1/agent/service/register', {body})
    await raw(agent.address).ok('PUT', '/v1/agent/service/deregister/plain')
  })
})

describe.each(backends)('autopilot on $name', backend => {
  const agent = sharedAgent(backend)

  it('reports one healthy server', async () => {
    // A real server reports its health only several seconds after its start.
    const health = async (): Promise<unknown> => {
      const answer = await raw(agent.address).request('GET', '/v1/operator/autopilot/health')
      return answer.status === 200 ? (JSON.parse(answer.text) as unknown) : undefined
    }
    expect(await waitUntil(health, {what: 'autopilot to be healthy'})).toMatchObject({
      Healthy: true,
      FailureTolerance: 0,
      Servers: [{SerfStatus: 'alive', Leader: true, Healthy: true, Voter: true, LastContact: '0s'}],
    })
  })

  it('stores its settings, supports check-and-set, and refuses unknown settings', async () => {
    const consul = raw(agent.address)
    const path = '/v1/operator/autopilot/configuration'
    const put = async (body: string, query = ''): Promise<string> =>
      (await consul.request('PUT', `${path}${query}`, {body})).text.trim()
    expect(await consul.get(path)).toMatchObject({CleanupDeadServers: true, ServerStabilizationTime: '10s'})
    expect(await put('{"CleanupDeadServers":false,"LastContactThreshold":"300ms"}')).toBe('true')
    const stored = (await consul.get(path)) as {ModifyIndex: number}
    expect(stored).toMatchObject({CleanupDeadServers: false, LastContactThreshold: '300ms', MaxTrailingLogs: 0})
    expect(await put('{}', '?cas=0')).toBe('false')
    expect(await put('{}', `?cas=${stored.ModifyIndex}`)).toBe('true')
    // Newer versions omit the status at the beginning of the text.
    expect(await put('{"Foo":1}')).toMatch(
      /^(Bad request: )?Error parsing autopilot config: json: unknown field "Foo"$/,
    )
  })
})
