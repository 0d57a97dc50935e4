import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

interface Check {
  readonly Status: string
  readonly Output: string
}

describe.each(backends)('health checks that the agent itself runs, on $name', backend => {
  const agent = sharedAgent(backend, {scriptChecks: true})
  const register = (name: string, check: object): Promise<unknown> =>
    raw(agent.address).ok('PUT', '/v1/agent/service/register', {
      body: JSON.stringify({Name: name, Check: {Interval: '200ms', ...check}}),
    })
  const check = async (name: string): Promise<Check> =>
    ((await raw(agent.address).get(`/v1/health/checks/${name}`)) as Check[])[0]!
  /** Reads the check from the agent itself, because a change of its output alone reaches the catalog minutes later. */
  const localCheck = async (name: string): Promise<Check> =>
    ((await raw(agent.address).get('/v1/agent/checks')) as Record<string, Check>)[`service:${name}`]!
  const passing = async (name: string): Promise<number> =>
    ((await raw(agent.address).get(`/v1/health/service/${name}?passing`)) as unknown[]).length
  const untilStatus = (name: string, status: string): Promise<unknown> =>
    waitUntil(async () => (await check(name)).Status === status, {what: `${name} to be ${status}`})

  it('take their status from the answers of an HTTP server', async () => {
    let status = 200
    const asked: (string | undefined)[] = []
    const server = createServer((request, response) => {
      asked.push(
        `${request.method} ${request.url} ${request.headers['user-agent']} ${String(request.headers['x-key'])}`,
      )
      response.writeHead(status).end('how it is')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`
      await register('web', {HTTP: url, Header: {'X-Key': ['k']}, Timeout: '1s'})
      await untilStatus('web', 'passing')
      expect((await check('web')).Output).toBe(`HTTP GET ${url}: 200 OK Output: how it is`)
      expect(await passing('web')).toBe(1)
      expect(new Set(asked)).toEqual(new Set(['GET /health Consul Health Check k']))
      status = 429
      await untilStatus('web', 'warning')
      status = 500
      await untilStatus('web', 'critical')
      expect(await passing('web')).toBe(0)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it('keep their TTL if they are registered again with another type', async () => {
    const put = (path: string, body: object): Promise<unknown> =>
      raw(agent.address).ok('PUT', path, {body: JSON.stringify(body)})
    await put('/v1/agent/check/register', {ID: 'kind', Name: 'kind', TTL: '1h'})
    const tcp = {ID: 'kind', Name: 'kind', TCP: '127.0.0.1:1', Interval: '1h', Status: 'passing'}
    await put('/v1/agent/check/register', tcp)
    await put('/v1/agent/check/update/kind', {Status: 'warning', Output: 'o'})
    const all = (await raw(agent.address).get('/v1/agent/checks')) as Record<string, Check>
    expect(all['kind']).toMatchObject({Status: 'warning', Output: 'o', Type: 'tcp'})
    await put('/v1/agent/check/deregister/kind', {})
  })

  it('remain registered if their service is registered again without them, unless ?replace-existing-checks is set', async () => {
    const checks = async (): Promise<readonly string[]> => {
      const all = (await raw(agent.address).get('/v1/health/checks/many')) as {CheckID: string}[]
      return all.map(({CheckID}) => CheckID).toSorted()
    }
    const put = (query: string, ...ids: readonly string[]): Promise<unknown> =>
      raw(agent.address).ok('PUT', `/v1/agent/service/register${query}`, {
        body: JSON.stringify({Name: 'many', Checks: ids.map(CheckID => ({CheckID, TTL: '1h'}))}),
      })
    await put('', 'a', 'b')
    await put('', 'c')
    await put('?replace-existing-checks=false', 'c')
    expect(await checks()).toEqual(['a', 'b', 'c'])
    await put('?replace-existing-checks', 'b', 'd')
    expect(await checks()).toEqual(['b', 'd'])
    await put('?replace-existing-checks=true')
    expect(await checks()).toEqual([])
  })

  it('pass while a TCP port is open', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    await register('db', {TCP: address})
    await untilStatus('db', 'passing')
    expect((await check('db')).Output).toBe(`TCP connect ${address}: Success`)
    await new Promise(resolve => server.close(resolve))
    await untilStatus('db', 'critical')
  })

  it.each([
    [0, 'passing'],
    [1, 'warning'],
    [2, 'critical'],
  ])('map the exit code %i of a script to the status %s', async (code, status) => {
    const name = `script-${code}`
    await register(name, {Args: ['sh', '-c', `echo out; echo err >&2; exit ${code}`]})
    await waitUntil(async () => (await localCheck(name)).Output !== '', {what: 'the script to run'})
    expect(await localCheck(name)).toMatchObject({Status: status, Output: 'out\nerr\n'})
  })

  it('become critical if their script exceeds its timeout', async () => {
    await register('slow', {Args: ['sleep', '60'], Timeout: '300ms'})
    await waitUntil(async () => (await localCheck('slow')).Output !== '', {what: 'the timeout'})
    expect(await localCheck('slow')).toMatchObject({Status: 'critical', Output: expect.stringContaining('Timed out')})
  })

  it('stop when their service is deregistered', async () => {
    let asked = 0
    const server = createServer((_, response) => {
      asked += 1
      response.end()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const port = (server.address() as AddressInfo).port
    await register('short', {HTTP: `http://127.0.0.1:${port}`})
    await untilStatus('short', 'passing')
    await raw(agent.address).ok('PUT', '/v1/agent/service/deregister/short')
    await register('next', {HTTP: `http://127.0.0.1:${port}`})
    const before = asked
    await untilStatus('next', 'passing')
    // The new check may send up to two requests. The old check would have added at least one in its interval.
    expect(asked - before).toBeLessThanOrEqual(2)
    await raw(agent.address).ok('PUT', '/v1/agent/service/deregister/next')
    server.closeAllConnections()
    server.close()
  })

  it('keep their ModifyIndex if only their type changes', async () => {
    const put = (body: object): Promise<unknown> =>
      raw(agent.address).ok('PUT', '/v1/agent/check/register', {
        body: JSON.stringify({ID: 'typed', Name: 't', ...body}),
      })
    const inCatalog = async (type: string): Promise<{readonly ModifyIndex: number}> =>
      await waitUntil(
        async () => {
          const checks = await raw(agent.address).get('/v1/health/state/critical')
          return (checks as {Name: string; Type: string; ModifyIndex: number}[]).find(
            one => one.Name === 't' && one.Type === type,
          )
        },
        {what: `a check of type ${type}`},
      )
    await put({TTL: '1h'})
    const {ModifyIndex: before} = await inCatalog('ttl')
    await put({HTTP: 'http://127.0.0.1:1/', Interval: '10000h'})
    expect((await inCatalog('http')).ModifyIndex).toBe(before)
  })

  it('keep their status and output if they are registered again', async () => {
    const consul = raw(agent.address)
    const registerCheck = (body: object): Promise<unknown> =>
      consul.ok('PUT', '/v1/agent/check/register', {body: JSON.stringify({ID: 'again', Name: 'again', ...body})})
    const shown = async (): Promise<unknown> => {
      const checks = (await consul.get('/v1/agent/checks')) as Record<string, Check & {readonly Notes: string}>
      const {Status, Output, Notes} = checks['again']!
      return {Status, Output, Notes}
    }
    await registerCheck({TTL: '1h', Status: 'passing', Notes: 'first'})
    await registerCheck({TTL: '1h'})
    expect(await shown()).toEqual({Status: 'passing', Output: '', Notes: ''})
    await consul.ok('PUT', '/v1/agent/check/warn/again?note=slow')
    await registerCheck({TTL: '1h', Status: 'critical', Notes: 'second'})
    expect(await shown()).toEqual({Status: 'warning', Output: 'slow', Notes: 'second'})
    await registerCheck({TCP: '127.0.0.1:1', Interval: '1h'})
    expect(await shown()).toMatchObject({Status: 'warning', Output: 'slow'})
    await consul.ok('PUT', '/v1/agent/check/deregister/again')
    await registerCheck({TTL: '1h'})
    expect(await shown()).toEqual({Status: 'critical', Output: '', Notes: ''})
  })
})
