import {describe, expect, it} from 'vitest'
import {startEmbeddedAgent} from '../../../src/embedded/index.js'
import {raw} from '../../kit/raw-consul.js'

describe('the embedded agent', () => {
  it('refuses to listen on any address but loopback', async () => {
    await expect(startEmbeddedAgent({host: '0.0.0.0'})).rejects.toThrow("'0.0.0.0' is not a loopback address")
  })

  it("answers a blocking query when the query's key is written", async () => {
    await using agent = await startEmbeddedAgent()
    const parked = fetch(`${agent.address}/v1/kv/k?index=1&wait=30s`)
    await expect.poll(() => agent.faults.statistics().parked).toBe(1)
    await fetch(`${agent.address}/v1/kv/k`, {method: 'PUT', body: 'v'})
    const answer = await parked
    expect(await answer.json()).toMatchObject([{Key: 'k', Value: 'dg==', LockIndex: 0}])
  })

  it('neither answers a blocking query nor raises an index for a heartbeat that changes nothing', async () => {
    await using agent = await startEmbeddedAgent()
    const consul = raw(agent.address)
    const body = JSON.stringify({Name: 'web', Check: {TTL: '30s'}})
    const pass = (note: string): Promise<unknown> => consul.ok('PUT', `/v1/agent/check/pass/service:web?note=${note}`)
    await consul.ok('PUT', '/v1/agent/service/register', {body})
    await pass('fine')
    const {index} = agent.faults.statistics()
    for (const note of ['fine', 'fine', 'still fine']) await pass(note)
    expect(agent.faults.statistics().index).toBe(index)
    const local = (await consul.get('/v1/agent/checks')) as Record<string, {Output: string}>
    expect(local['service:web']?.Output).toBe('still fine')
    agent.faults.fastForward(31_000)
    expect(await consul.get('/v1/health/checks/web')).toMatchObject([{Status: 'critical', Output: 'TTL expired'}])
  })

  it('deregisters a service whose check stays critical', async () => {
    await using agent = await startEmbeddedAgent()
    const consul = raw(agent.address)
    const body = JSON.stringify({Name: 'web', Check: {TTL: '10s', DeregisterCriticalServiceAfter: '2m'}})
    await consul.ok('PUT', '/v1/agent/service/register', {body})
    const instances = async (): Promise<number> => ((await consul.get('/v1/catalog/service/web')) as unknown[]).length
    agent.faults.fastForward(100_000)
    await consul.ok('PUT', '/v1/agent/check/pass/service:web')
    agent.faults.fastForward(9000)
    agent.faults.fastForward(100_000)
    expect(await instances()).toBe(1)
    agent.faults.fastForward(121_000)
    expect(await instances()).toBe(0)
  })

  it('keeps its address when it is restarted, and also its state unless keepState is false', async () => {
    await using agent = await startEmbeddedAgent()
    const url = `${agent.address}/v1/kv/k`
    await fetch(url, {method: 'PUT', body: 'v'})
    await agent.faults.restart()
    expect((await fetch(url)).status).toBe(200)
    await agent.faults.restart({keepState: false})
    expect((await fetch(url)).status).toBe(404)
  })

  it('returns its name and metadata in every answer that contains its node', async () => {
    await using agent = await startEmbeddedAgent({name: 'web-9', nodeMeta: {rack: '1'}, datacenters: ['dc1', 'dc2']})
    const consul = raw(agent.address)
    const meta = {'consul-network-segment': '', rack: '1'}
    expect(await consul.get('/v1/agent/self')).toMatchObject({Config: {NodeName: 'web-9'}, Meta: meta})
    expect(await consul.get('/v1/catalog/nodes?node-meta=rack:1')).toMatchObject([{Node: 'web-9', Meta: meta}])
    expect(await consul.get('/v1/health/service/consul?node-meta=rack:1')).toMatchObject([{Node: {Node: 'web-9'}}])
    expect(await consul.get('/v1/catalog/nodes?dc=dc2')).toMatchObject([
      {Node: 'web-9-dc2', Meta: {'consul-network-segment': ''}},
    ])
  })

  it.each([
    [{name: ''}, "'' cannot name a node"],
    [{name: 'a b'}, "'a b' cannot name a node"],
    [{name: 'WEB', nodes: [{name: 'web'}]}, "'WEB' names both the agent's own node and a simulated one"],
    [{nodeMeta: {'consul-x': ''}}, "Key prefix 'consul-' is reserved for internal use"],
    [{nodeMeta: {a: 'v'.repeat(513)}}, 'Value is too long (limit: 512 characters)'],
    [{nodes: [{name: 'a b'}]}, "'a b' cannot name a node"],
    [{nodes: [{name: 'web'}, {name: 'Web'}]}, "'Web' names two simulated nodes"],
    [{datacenters: []}, 'expected at least one datacenter, got none'],
    [{datacenters: ['a', 'a']}, "the datacenter 'a' is named twice"],
    [{like: '2.0'}, "cannot imitate version '2.0'"],
  ])('refuses the invalid option values %j', async (options: object, text) => {
    await expect(startEmbeddedAgent(options)).rejects.toThrow(text)
  })

  it.each<[object, string, string]>([
    [{port: Number.NaN}, 'port', 'a whole number from 0 to 65535, got NaN'],
    [{port: 65_536}, 'port', 'a whole number from 0 to 65535, got 65536'],
    [{port: '8500'}, 'port', 'a whole number from 0 to 65535, got "8500" (a string)'],
    [{dnsPort: -1}, 'dnsPort', 'a whole number from 0 to 65535, got -1'],
    [{host: null}, 'host', 'a string, got null'],
    [{datacenters: 'dc1'}, 'datacenters', 'an array of strings, got "dc1" (a string)'],
    [{name: 1}, 'name', 'a string, got 1'],
    [{nodeMeta: {rack: 1}}, 'nodeMeta', 'an object of strings, got an object'],
    [{nodes: ['web']}, 'nodes', 'an array of objects, got an array'],
    [{nodes: [{}]}, 'name', 'a string that is not empty, got undefined'],
    [{nodes: [{name: 'web', services: [{name: ''}]}]}, 'name', 'a string that is not empty, got ""'],
    [{nodes: [{name: 'web', services: [{name: 'a', port: 1e20}]}]}, 'port', 'a whole number from 0 to 65535'],
    [{seed: [{key: 'a', value: 'text'}]}, 'value', 'a Uint8Array or a Buffer, got "text" (a string)'],
    [{acl: {}}, 'managementToken', 'a string that is not empty, got undefined'],
    [{like: 1.9}, 'like', 'a string, got 1.9'],
  ])('names the option that has an invalid value, in the case of %j', async (options, option, text) => {
    await expect(startEmbeddedAgent(options)).rejects.toMatchObject({
      code: 'BATON_USAGE',
      message: expect.stringContaining(`the option \`${option}\` to be ${text}`),
      details: {option},
    })
  })
})
