import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'

describe.each(backends)('nodes on $name', backend => {
  const agent = sharedAgent(backend)
  const idOf = (run: number): string => `aaaaaaaa-bbbb-4ccc-8ddd-00000000000${run}`
  const register = async (body: object): Promise<{status: number; text: string}> => {
    const {status, text} = await raw(agent.address).request('PUT', '/v1/catalog/register', {
      body: JSON.stringify({Address: '10.0.0.1', ...body}),
    })
    return {status, text: text.trim()}
  }
  const get = (path: string) => raw(agent.address).get(`/v1/${path}`)

  it('are renamed, and lose their services and checks, if their ID is registered with another name', async () => {
    await register({Node: 'old', ID: idOf(1), Service: {Service: 'web'}, Check: {CheckID: 'c', Name: 'c'}})
    const {CreateIndex} = (await get('catalog/node/old')).Node
    expect(await register({Node: 'new', ID: idOf(1)})).toEqual({status: 200, text: 'true'})
    expect(await get('catalog/node/old')).toBeNull()
    expect(await get('health/node/old')).toEqual([])
    expect(await get('health/service/web')).toEqual([])
    expect(await get('catalog/node/new')).toMatchObject({Node: {ID: idOf(1), CreateIndex}, Services: {}})
  })

  it('wake a blocking query by ID; their list of services is null if they have none and no filter is given', async () => {
    await register({Node: 'found', ID: idOf(6)})
    const {headers} = await raw(agent.address).ok('GET', `/v1/catalog/node/${idOf(6)}`)
    const parked = get(`catalog/node/${idOf(6)}?index=${headers['x-consul-index']}&wait=30s`)
    expect((await get('catalog/node-services/found')).Services).toBeNull()
    expect((await get('catalog/node-services/found?filter=ID==web')).Services).toEqual([])
    await register({Node: 'found', ID: idOf(6), Service: {Service: 'late'}})
    expect(await parked).toMatchObject({Services: {late: {}}})
  })

  it('may get an ID after their first registration, and then another ID if they have no serfHealth check', async () => {
    await register({Node: 'plain', Service: {Service: 'kept'}})
    for (const run of [2, 3]) {
      expect(await register({Node: 'plain', ID: idOf(run)})).toEqual({status: 200, text: 'true'})
      expect(await get('catalog/node/plain')).toMatchObject({Node: {ID: idOf(run)}, Services: {kept: {}}})
    }
  })

  it('cannot take the name of a healthy member that has another ID', async () => {
    const {Member, Config} = await get('agent/self')
    const own = {ID: Config.NodeID, Node: Config.NodeName, Address: Member.Addr}
    const reserved = `Node name ${own.Node} is reserved by node ${own.ID} with name ${own.Node} (${own.Address})`
    expect(await register({Node: own.Node, ID: idOf(4)})).toEqual({
      status: 500,
      text: `failed inserting node: Error while renaming Node ID: "${idOf(4)}": ${reserved}`,
    })
    await register({Node: 'mover', ID: idOf(5)})
    expect(await register({Node: own.Node, ID: idOf(5)})).toEqual({
      status: 500,
      text: `failed inserting node: Error while renaming Node ID: "${idOf(5)}" (10.0.0.1): ${reserved}`,
    })
    expect(await get('catalog/node/mover')).toMatchObject({Node: {ID: idOf(5)}})
  })

  it('do not raise the index of a service if its only instance is registered and then renamed', async () => {
    const indexOf = async (path: string): Promise<number> =>
      Number((await raw(agent.address).ok('GET', `/v1/${path}`)).headers['x-consul-index'])
    await register({Node: 'shop', Service: {Service: 'gone'}})
    await raw(agent.address).ok('PUT', '/v1/catalog/deregister', {body: '{"Node":"shop","ServiceID":"gone"}'})
    const missing = await indexOf('health/service/one')
    await register({Node: 'shop', Service: {Service: 'one', ID: 'i'}})
    await register({Node: 'shop', Service: {Service: 'two', ID: 'i'}})
    expect(await indexOf('health/service/one')).toBe(missing)
    expect(await indexOf('health/service/two')).toBeGreaterThan(missing)
  })

  it('are listed for a service with the upper and lower case that their names had when that service was last registered', async () => {
    await register({Node: 'Case', Service: {Service: 'first'}})
    await register({Node: 'CASE', SkipNodeUpdate: true, Service: {Service: 'second'}})
    const nodeOf = async (service: string): Promise<string> => String((await get(`catalog/service/${service}`))[0].Node)
    expect([await nodeOf('first'), await nodeOf('second')]).toEqual(['Case', 'CASE'])
    await register({Node: 'CASE', SkipNodeUpdate: true, Service: {Service: 'first'}})
    expect(await nodeOf('first')).toBe('CASE')
  })
})
