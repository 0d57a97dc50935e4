import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type EmbeddedAgent, startEmbeddedAgent} from '../../../src/embedded/index.js'
import {type RawConsul, raw} from '../../kit/raw-consul.js'

const managementToken = '6a1253d2-1785-24fd-91c2-f8e78c745511'

describe('tokens of the embedded agent', () => {
  let agent: EmbeddedAgent
  let root: RawConsul
  beforeAll(async () => {
    agent = await startEmbeddedAgent({acl: {managementToken}})
    root = raw(agent.address, {token: managementToken})
  })
  afterAll(() => agent[Symbol.asyncDispose]())

  let policies = 0
  async function holderOf(rules: string): Promise<RawConsul> {
    const name = `policy-${(policies += 1)}`
    await root.put('/v1/acl/policy', {Name: name, Rules: rules})
    const token = (await root.put('/v1/acl/token', {Policies: [{Name: name}]})) as {SecretID: string}
    return raw(agent.address, {token: token.SecretID})
  }
  const statusOf = async (consul: RawConsul, method: string, path: string, body = ''): Promise<number> =>
    (await consul.request(method, path, {body})).status

  it('grant access to a key by the rule for its exact name, otherwise by the rule with the longest matching prefix', async () => {
    const consul = await holderOf(`
      # comment
      key_prefix "app/" { policy = "write" }
      key_prefix "app/secret/" { policy = "deny" }
      key "app/secret/door" { policy = "read" }
      key_prefix "ro/" { policy = "read" }
    `)
    expect(await statusOf(consul, 'PUT', '/v1/kv/app/x', 'v')).toBe(200)
    expect(await statusOf(consul, 'PUT', '/v1/kv/app/secret/x', 'v')).toBe(403)
    expect(await statusOf(consul, 'GET', '/v1/kv/app/secret/door')).toBe(404)
    expect(await statusOf(consul, 'PUT', '/v1/kv/app/secret/door', 'v')).toBe(403)
    expect(await statusOf(consul, 'PUT', '/v1/kv/ro/x', 'v')).toBe(403)
    expect(await statusOf(consul, 'GET', '/v1/kv/ro/x')).toBe(404)
    expect(await statusOf(consul, 'GET', '/v1/kv/elsewhere')).toBe(403)
    await root.kvPut('app/secret/x', 'v')
    expect((await consul.kvList('')).map(({key}) => key)).toEqual(['app/x'])
    expect(await statusOf(consul, 'DELETE', '/v1/kv/app/?recurse')).toBe(403)
    expect(await statusOf(consul, 'DELETE', '/v1/kv/app/x?recurse')).toBe(200)
  })

  it('grant access to sessions by rules for node names, and to events by rules for event names', async () => {
    const consul = await holderOf('session_prefix "" { policy = "write" } event "deploy" { policy = "write" }')
    const id = await consul.sessionCreate({NodeChecks: []})
    expect(await statusOf(consul, 'PUT', `/v1/session/renew/${id}`)).toBe(200)
    expect(await statusOf(consul, 'PUT', '/v1/event/fire/deploy')).toBe(200)
    expect(await statusOf(consul, 'PUT', '/v1/event/fire/other')).toBe(403)
    await consul.sessionDestroy(id)
    const reader = await holderOf('session_prefix "" { policy = "read" }')
    expect(await statusOf(reader, 'PUT', '/v1/session/create')).toBe(403)
  })

  it('grant access to nodes, services, the agent and the operator API by rules in JSON', async () => {
    const consul = await holderOf(
      JSON.stringify({
        node_prefix: {'': {policy: 'read'}},
        service_prefix: {web: {policy: 'write'}},
        agent_prefix: {'': {policy: 'read'}},
        operator: 'read',
      }),
    )
    expect(await statusOf(consul, 'PUT', '/v1/agent/service/register', '{"Name":"web-1"}')).toBe(200)
    const refused = await consul.request('PUT', '/v1/agent/service/register', {body: '{"Name":"db"}'})
    expect(refused).toMatchObject({status: 403, text: 'Permission denied: Missing service:write on db'})
    expect(await consul.get('/v1/catalog/nodes')).toHaveLength(1)
    expect(Object.keys((await consul.get('/v1/catalog/services')) as object)).toEqual(['web-1'])
    expect(await statusOf(consul, 'GET', '/v1/agent/self')).toBe(200)
    expect(await statusOf(consul, 'PUT', '/v1/agent/reload')).toBe(403)
    expect(await statusOf(consul, 'GET', '/v1/operator/raft/configuration')).toBe(200)
    expect(await statusOf(consul, 'GET', '/v1/acl/tokens')).toBe(403)
  })

  it('are refused as soon as they are deleted, and gain or lose permissions as soon as their policies change', async () => {
    await root.put('/v1/acl/policy', {Name: 'moving', Rules: 'key_prefix "m/" { policy = "read" }'})
    const policy = (await root.get('/v1/acl/policy/name/moving')) as {ID: string}
    const token = (await root.put('/v1/acl/token', {Policies: [{Name: 'moving'}]})) as {
      SecretID: string
      AccessorID: string
    }
    const consul = raw(agent.address, {token: token.SecretID})
    expect(await statusOf(consul, 'PUT', '/v1/kv/m/x', 'v')).toBe(403)
    const rules = 'key_prefix "m/" { policy = "write" }'
    await root.put(`/v1/acl/policy/${policy.ID}`, {ID: policy.ID, Name: 'moving', Rules: rules})
    expect(await statusOf(consul, 'PUT', '/v1/kv/m/x', 'v')).toBe(200)
    await root.ok('DELETE', `/v1/acl/token/${token.AccessorID}`)
    expect(await consul.request('GET', '/v1/kv/m/x')).toMatchObject({status: 403, text: 'ACL not found'})
  })

  it.each(['key_prefix "a" { policy = "all" }', 'key_prefix "a" {', 'nonsense "a" { policy = "read" }'])(
    'cannot get a policy with the invalid rules %s',
    async rules => {
      const body = JSON.stringify({Name: 'bad', Rules: rules})
      expect(await statusOf(root, 'PUT', '/v1/acl/policy', body)).toBe(500)
    },
  )

  it('let a service with a service identity register itself and find others, and a node with a node identity register itself', async () => {
    const create = async (body: object): Promise<RawConsul> =>
      raw(agent.address, {token: ((await root.put('/v1/acl/token', body)) as {SecretID: string}).SecretID})
    const service = await create({ServiceIdentities: [{ServiceName: 'cache'}]})
    expect(await statusOf(service, 'PUT', '/v1/agent/service/register', '{"Name":"cache"}')).toBe(200)
    expect(await statusOf(service, 'PUT', '/v1/agent/service/register', '{"Name":"other"}')).toBe(403)
    expect(await service.get('/v1/catalog/nodes')).toHaveLength(1)
    const node = await create({NodeIdentities: [{NodeName: 'n9', Datacenter: 'dc1'}]})
    const elsewhere = await create({NodeIdentities: [{NodeName: 'n9', Datacenter: 'dc2'}]})
    const registration = '{"Node":"n9","Address":"10.0.0.9"}'
    expect(await statusOf(elsewhere, 'PUT', '/v1/catalog/register', registration)).toBe(403)
    expect(await statusOf(node, 'PUT', '/v1/catalog/register', registration)).toBe(200)
    await root.ok('PUT', '/v1/catalog/deregister', {body: '{"Node":"n9"}'})
    await root.ok('PUT', '/v1/agent/service/deregister/cache')
  })

  it('are refused once they have expired', async () => {
    const token = (await root.put('/v1/acl/token', {ExpirationTTL: '1h'})) as {SecretID: string}
    const consul = raw(agent.address, {token: token.SecretID})
    expect(await statusOf(consul, 'GET', '/v1/acl/token/self')).toBe(200)
    agent.faults.fastForward(3_600_000)
    expect(await consul.request('GET', '/v1/kv/x')).toMatchObject({status: 403, text: 'ACL not found'})
  })
})
