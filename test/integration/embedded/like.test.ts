import {describe, expect, it} from 'vitest'
import {type EmbeddedAgent, startEmbeddedAgent} from '../../../src/embedded/index.js'
import {raw} from '../../kit/raw-consul.js'

const start = (like: string, acl = {}): Promise<EmbeddedAgent> => startEmbeddedAgent({like, ...acl})
const ask = (agent: EmbeddedAgent, method: string, path: string, body?: string) =>
  raw(agent.address).request(method, path, body === undefined ? {} : {body})

describe('the embedded agent that imitates another version of Consul', () => {
  it.each([
    ['1.8', '1.8.7'],
    ['1.14', '1.14.0'],
    ['1.22.1', '1.22.1'],
  ])('reports a complete version number when it imitates %s', async (like, version) => {
    await using agent = await start(like)
    const {text} = await ask(agent, 'GET', '/v1/agent/self')
    expect(JSON.parse(text)).toMatchObject({Config: {Version: version}, Member: {Tags: {build: `${version}:`}}})
  })

  it.each(['2.0', '1.7', '1.23', '1.8.x', 'new'])('refuses to imitate %s', async like => {
    await expect(start(like)).rejects.toThrow(`cannot imitate version '${like}'`)
  })

  it('accepts transactions of 128 operations if that version is 1.14 or later', async () => {
    const many = JSON.stringify(Array.from({length: 128}, (_, at) => ({KV: {Verb: 'set', Key: `k${at}`}})))
    await using old = await start('1.13')
    expect((await ask(old, 'PUT', '/v1/txn', many)).status).toBe(413)
    await using young = await start('1.14')
    expect((await ask(young, 'PUT', '/v1/txn', many)).status).toBe(200)
  })

  it.each([
    ['1.21.4', 'a%20b', 200],
    ['1.21.5', 'a%20b', 500],
    ['1.21.5', 'a%2Fb', 200],
    ['1.21.6', 'a%20b', 200],
    ['1.22', 'b%20', 500],
    ['1.22', '%20a', 500],
    ['1.22', 'a..b', 200],
  ])('answers, as version %s does, requests for the key %s with status %i', async (like, key, status) => {
    await using agent = await start(like)
    expect((await ask(agent, 'PUT', `/v1/kv/${key}`, 'v')).status).toBe(status)
    const read = await ask(agent, 'GET', `/v1/kv/${key}`)
    expect(read.status).toBe(status)
    const body = JSON.stringify([{KV: {Verb: 'set', Key: decodeURIComponent(key)}}])
    expect((await ask(agent, 'PUT', '/v1/txn', body)).status).toBe(status === 200 ? 200 : 409)
  })

  it('adds the header X-Consul-Query-Backend, and omits X-Consul-KnownLeader in a streamed answer', async () => {
    await using agent = await start('1.22')
    const plain = await ask(agent, 'GET', '/v1/health/service/consul')
    expect(plain.headers).toMatchObject({'x-consul-query-backend': 'blocking-query', 'x-consul-knownleader': 'true'})
    const streamed = await ask(agent, 'GET', '/v1/health/service/consul?index=1')
    expect(streamed.headers['x-consul-query-backend']).toBe('streaming')
    expect(streamed.headers['x-consul-index']).toBeDefined()
    expect(streamed.headers['x-consul-knownleader']).toBeUndefined()
    await using old = await start('1.9')
    expect((await ask(old, 'GET', '/v1/health/service/consul')).headers['x-consul-query-backend']).toBeUndefined()
  })

  it('adds headers for the default ACL policy and for results that ACLs removed', async () => {
    await using open = await start('1.11')
    expect((await ask(open, 'GET', '/v1/kv/?keys')).headers['x-consul-default-acl-policy']).toBe('allow')
    await using closed = await start('1.11', {acl: {managementToken: 'master'}})
    const master = raw(closed.address, {token: 'master'})
    await master.kvPut('k', 'v')
    const policy = {Name: 'other', Rules: 'key_prefix "other/" { policy = "read" }'}
    await master.ok('PUT', '/v1/acl/policy', {body: JSON.stringify(policy)})
    const made = await master.request('PUT', '/v1/acl/token', {body: JSON.stringify({Policies: [{Name: 'other'}]})})
    const {SecretID: token} = JSON.parse(made.text) as {SecretID: string}
    const hidden = await raw(closed.address, {token}).request('GET', '/v1/kv/?keys')
    expect(hidden.headers).toMatchObject({
      'x-consul-default-acl-policy': 'deny',
      'x-consul-results-filtered-by-acls': 'true',
    })
    const whole = await master.request('GET', '/v1/kv/?keys')
    expect(whole.headers['x-consul-results-filtered-by-acls']).toBeUndefined()
  })

  it('refuses unknown paths, service IDs and partitions with the messages of version 1.22', async () => {
    await using agent = await start('1.22')
    expect(await ask(agent, 'GET', '/v1/nothing')).toMatchObject({
      status: 404,
      text: 'Invalid URL path: not a recognized HTTP API endpoint\n',
    })
    const gone = await ask(agent, 'PUT', '/v1/agent/service/deregister/x')
    expect(gone.status).toBe(404)
    expect(gone.text).toMatch(/^Unknown service ID "x"\. /)
    const refused = await ask(agent, 'GET', '/v1/kv/k?partition=p')
    expect(refused.status).toBe(400)
    expect(refused.text).toBe('Invalid query parameter: "partition" - Partitions are a Consul Enterprise feature')
  })

  it('closes the connection if an answer takes longer than 30 s', async () => {
    await using agent = await start('1.22')
    await ask(agent, 'PUT', '/v1/kv/k', 'v')
    const {headers} = await ask(agent, 'GET', '/v1/kv/k')
    const parked = ask(agent, 'GET', `/v1/kv/k?index=${headers['x-consul-index']}&wait=60s`).then(
      () => 'answered',
      () => 'cut',
    )
    await expect.poll(() => agent.faults.statistics().parked).toBe(1)
    agent.faults.fastForward(70_000)
    expect(await parked).toBe('cut')
  })
})
