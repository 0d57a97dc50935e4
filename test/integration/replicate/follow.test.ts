import {describe, expect, it, onTestFinished} from 'vitest'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import type {ReplicationPass, ReplicatorEvent, ReplicatorOptions} from '../../../src/replicate/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'
import {bytes, contentOf, countingClient, seed} from './support.js'

describe.each(backends)('continuous replication on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})
  const address = () => agent.addresses.get('dc2')!

  /** Follows a mapping until the test ends. `stop` waits for the end of the run. */
  function follow(spec: string, options: Partial<ReplicatorOptions> & {readonly at?: string} = {}) {
    const {at = address(), ...more} = options
    const client = countingClient(at)
    const controller = new AbortController()
    const passes: ReplicationPass[] = []
    const replicator = createReplicator(client, {
      mappings: spec.split(' ').map(each => parseMapping(each)),
      waitMs: 2000,
      ...more,
    })
    const ended = (async () => {
      for await (const pass of replicator.run({signal: controller.signal})) passes.push(pass)
    })()
    ended.catch(() => undefined)
    const stop = async (): Promise<void> => {
      controller.abort()
      await ended.finally(() => client[Symbol.asyncDispose]())
    }
    onTestFinished(async () => {
      controller.abort()
      await ended.catch(() => undefined)
      await client[Symbol.asyncDispose]()
    })
    return {passes, client, stop, ended}
  }

  async function equal(client: ReturnType<typeof countingClient>, source: string, destination = source): Promise<void> {
    await waitUntil(
      async () => {
        const [there, here] = [await contentOf(client, 'dc1', source), await contentOf(client, 'dc2', destination)]
        return JSON.stringify([...there]) === JSON.stringify([...here])
      },
      {
        what: `${destination} to equal ${source}`,
        timeoutMs: 30_000,
        detail: async () => `${(await contentOf(client, 'dc2', destination)).size} keys there`,
      },
    )
  }

  it('copies each change and each delete soon after it was made', async () => {
    const reader = countingClient(address())
    await seed(reader, 'dc1', [
      {key: 'live/a', value: bytes('1')},
      {key: 'live/b', value: bytes('1')},
    ])
    const run = follow('live/@dc1:live2/')
    await equal(reader, 'live/', 'live2/')
    await seed(reader, 'dc1', [
      {key: 'live/a', value: bytes('2')},
      {key: 'live/c', value: bytes('3')},
    ])
    await equal(reader, 'live/', 'live2/')
    await reader.kv.delete('live/b', {datacenter: 'dc1'})
    await equal(reader, 'live/', 'live2/')
    await run.stop()
    expect(run.passes[0]).toMatchObject({written: 2})
    expect(run.passes.reduce((sum, pass) => sum + pass.deleted, 0)).toBe(1)
    await reader[Symbol.asyncDispose]()
  })

  it('repairs keys that other clients write or delete at the destination', async () => {
    const reader = countingClient(address())
    await seed(
      reader,
      'dc1',
      ['a', 'b'].map(key => ({key: `drift/${key}`, value: bytes(key)})),
    )
    follow('drift/@dc1')
    await equal(reader, 'drift/')
    await reader.kv.put('drift/a', bytes('foreign'))
    await equal(reader, 'drift/')
    await reader.kv.delete('drift/b')
    await equal(reader, 'drift/')
    await reader.kv.put('drift/extra', bytes('x'))
    await equal(reader, 'drift/')
    await reader[Symbol.asyncDispose]()
  })

  it('sends no writes while nothing changes', async () => {
    const reader = countingClient(address())
    await seed(reader, 'dc1', [{key: 'calm/a', value: bytes('1')}])
    const run = follow('calm/@dc1')
    await waitUntil(() => run.passes.length > 0, {what: 'the first pass'})
    const listed = (): number => run.client.requests.filter(request => request.path.includes('index=')).length
    // The heartbeat in the status key does not count as a copy.
    const written = (): number => run.client.writes().filter(({path}) => !path.includes('/statuses/')).length
    const [before, writes] = [listed(), written()]
    // The queries of source and destination each return twice.
    await waitUntil(() => listed() >= before + 4, {what: 'parked queries to come back'})
    expect(written()).toBe(writes)
    expect(run.passes).toHaveLength(1)
    await reader[Symbol.asyncDispose]()
  })

  it('copies changes as soon as the source has not changed for the quiet period', async () => {
    const reader = countingClient(address())
    await seed(reader, 'dc1', [{key: 'quiet/0', value: bytes('0')}])
    const run = follow('quiet/@dc1', {quiescence: {minMs: 300, maxMs: 3000}})
    await waitUntil(() => run.passes.length > 0, {what: 'the first pass'})
    for (let at = 1; at <= 5; at += 1) await seed(reader, 'dc1', [{key: `quiet/${at}`, value: bytes(String(at))}])
    await equal(reader, 'quiet/')
    await run.stop()
    expect(run.passes.slice(1).map(pass => pass.written)).toEqual([5])
    await reader[Symbol.asyncDispose]()
  })

  it('holds back the deletes of an emptied source while it copies other mappings, and reports these deletes once', async () => {
    const reader = countingClient(address())
    await seed(reader, 'dc1', [
      {key: 'hold/a', value: bytes('1')},
      {key: 'other/a', value: bytes('1')},
    ])
    const run = follow('hold/@dc1 other/@dc1')
    await equal(reader, 'hold/')
    await reader.kv.deleteTree('hold/', {datacenter: 'dc1'})
    await waitUntil(() => run.passes.some(pass => pass.held.length > 0), {what: 'the deletes to be held'})
    await seed(reader, 'dc1', [{key: 'other/b', value: bytes('2')}])
    await equal(reader, 'other/')
    expect((await contentOf(reader, 'dc2', 'hold/')).size).toBe(1)
    await seed(reader, 'dc1', [{key: 'hold/a', value: bytes('back')}])
    await equal(reader, 'hold/')
    expect(run.passes.filter(pass => pass.held.length > 0)).toHaveLength(1)
    await reader[Symbol.asyncDispose]()
  })

  it('retries after errors of every kind of request until both sides are equal', async () => {
    await using proxy = await HttpProxy.start(address())
    const reader = countingClient(address())
    await seed(
      reader,
      'dc1',
      Array.from({length: 200}, (_, at) => ({key: `bad/${at}`, value: bytes(String(at))})),
    )
    const failures = [
      {status: 500, body: 'rpc error making call: EOF'},
      'reset',
      'swallow',
      {status: 429, body: ''},
    ] as const
    let turn = 0
    // Every third of the first 24 requests fails. Each kind of failure occurs twice.
    proxy.on({path: '/v1/'}, () => (turn % 3 === 0 ? failures[(turn++ / 3) % 4]! : (turn++, 'pass')), 24)
    const run = follow('bad/@dc1', {at: proxy.address})
    await equal(reader, 'bad/')
    await run.stop()
    await reader[Symbol.asyncDispose]()
  })

  it('reads the keys again after a write whose outcome is unknown', async () => {
    await using proxy = await HttpProxy.start(address())
    const reader = countingClient(address())
    await seed(
      reader,
      'dc1',
      Array.from({length: 10}, (_, at) => ({key: `lost/${at}`, value: bytes(String(at))})),
    )
    proxy.on({method: 'PUT', path: '/v1/txn'}, 'swallow', 1)
    const client = countingClient(proxy.address)
    const [pass] = await createReplicator(client, {mappings: [parseMapping('lost/@dc1')]}).runOnce()
    // The transaction was applied although its answer was lost, so the second read shows no difference.
    expect(pass).toMatchObject({unchanged: 10, held: []})
    expect(proxy.count({method: 'PUT', path: '/v1/txn'})).toBe(1)
    expect((await contentOf(reader, 'dc2', 'lost/')).size).toBe(10)
    await client[Symbol.asyncDispose]()
    await reader[Symbol.asyncDispose]()
  })

  it('does not trust an empty list that does not come from a leader', async () => {
    await using proxy = await HttpProxy.start(address())
    const reader = countingClient(address())
    await seed(
      reader,
      'dc1',
      Array.from({length: 20}, (_, at) => ({key: `stale/${at}`, value: bytes(String(at))})),
    )
    const client = countingClient(proxy.address)
    const once = async (more: Partial<ReplicatorOptions> = {}) =>
      (
        await createReplicator(client, {
          mappings: [parseMapping('stale/@dc1')],
          maxDelete: 'off',
          ...more,
        }).runOnce()
      )[0]!
    await once()
    const empty = (leader: string, contact: string) => ({
      status: 404,
      headers: {'x-consul-index': '9', 'x-consul-knownleader': leader, 'x-consul-lastcontact': contact},
    })
    // A follower that has just started answers stale reads with an empty list.
    const stale = proxy.on({path: /kv\/stale\/\?.*stale/}, empty('true', '0'))
    expect(await once({maxStaleMs: 5000})).toMatchObject({deleted: 0, unchanged: 20, held: []})
    stale[Symbol.dispose]()
    const lost = proxy.on({path: /kv\/stale\/\?.*dc=dc1/}, empty('false', '0'))
    expect(await once()).toMatchObject({deleted: 0, held: [{reason: 'no-leader', count: 20}]})
    lost[Symbol.dispose]()
    // Even an empty list from the leader causes no delete, because the leader is also asked about each key.
    proxy.on({path: /kv\/stale\/\?.*dc=dc1/}, empty('true', '0'))
    expect(await once({approved: ['all']})).toMatchObject({deleted: 0})
    expect((await contentOf(reader, 'dc2', 'stale/')).size).toBe(20)
    await client[Symbol.asyncDispose]()
    await reader[Symbol.asyncDispose]()
  })

  it('skips keys that the destination refuses, and copies all others', async () => {
    await using proxy = await HttpProxy.start(address())
    const reader = countingClient(address())
    await seed(
      reader,
      'dc1',
      Array.from({length: 100}, (_, at) => ({key: `poison/${at}`, value: bytes(String(at))})),
    )
    const refuses = (body: Buffer, key: string): boolean => body.includes(`"${key}"`)
    // A transaction with the key poison/17 gets an answer that names this key, as Consul does if ACLs forbid a write. A
    // transaction with poison/60 gets an answer that names no key, as newer versions of Consul do if a key is invalid.
    proxy.on({method: 'PUT', path: '/v1/txn'}, request => {
      if (refuses(request.body, 'poison/17')) {
        const operations = JSON.parse(request.body.toString()) as {KV: {Key: string}}[]
        const at = operations.findIndex(each => each.KV.Key === 'poison/17')
        return {status: 409, body: {Results: null, Errors: [{OpIndex: at, What: 'Permission denied'}]}}
      }
      return refuses(request.body, 'poison/60') ? {status: 400, body: 'Invalid key name'} : 'pass'
    })
    const client = countingClient(proxy.address)
    const [pass] = await createReplicator(client, {mappings: [parseMapping('poison/@dc1')]}).runOnce()
    expect(pass?.written).toBe(98)
    expect(pass?.refused.map(each => each.key).sort()).toEqual(['poison/17', 'poison/60'])
    expect((await contentOf(reader, 'dc2', 'poison/')).size).toBe(98)
    const run = follow('poison/@dc1', {at: proxy.address})
    await waitUntil(() => run.passes.length > 0, {what: 'the first pass'})
    const sent = proxy.count({method: 'PUT', path: '/v1/txn'})
    await seed(reader, 'dc1', [{key: 'poison/new', value: bytes('1')}])
    await waitUntil(async () => (await contentOf(reader, 'dc2', 'poison/')).has('new'), {what: 'the new key'})
    // The refused keys are not tried again yet, so only the new key was sent.
    expect(proxy.count({method: 'PUT', path: '/v1/txn'})).toBe(sent + 1)
    await client[Symbol.asyncDispose]()
    await reader[Symbol.asyncDispose]()
  })

  it('adapts to lower limits of the server, and sends a key on its own if it fits in no transaction', async () => {
    await using proxy = await HttpProxy.start(address())
    const reader = countingClient(address())
    await seed(
      reader,
      'dc1',
      Array.from({length: 64}, (_, at) => ({key: `small/${at}`, value: Buffer.alloc(300, at)})),
    )
    await seed(reader, 'dc1', [{key: 'small/big', value: Buffer.alloc(9000, 1), flags: 5n}])
    proxy.on({method: 'PUT', path: '/v1/txn'}, request => {
      const count = (JSON.parse(request.body.toString()) as unknown[]).length
      if (count > 16) return {status: 413, body: `Transaction contains too many operations (${count} > 16)`}
      const size = request.body.byteLength
      return size > 8192 ? {status: 413, body: `Request body(${size} bytes) too large, max size: 8192 bytes.`} : 'pass'
    })
    const client = countingClient(proxy.address)
    const [pass] = await createReplicator(client, {mappings: [parseMapping('small/@dc1')]}).runOnce()
    expect(pass).toMatchObject({written: 65, refused: []})
    expect(await contentOf(reader, 'dc2', 'small/')).toEqual(await contentOf(reader, 'dc1', 'small/'))
    await client[Symbol.asyncDispose]()
    await reader[Symbol.asyncDispose]()
  })

  it('ends at once on an error that retrying cannot fix', async () => {
    const run = follow('x/@no-such-dc', {attempts: 1})
    await run.stop()
    await using proxy = await HttpProxy.start(address())
    proxy.on({path: '/v1/kv/'}, {status: 403, body: 'ACL not found'})
    const refused = follow('x/@dc1', {at: proxy.address})
    await expect(refused.ended).rejects.toMatchObject({code: 'BATON_ACL_DENIED'})
  })

  it('reports when a source fails and when it answers again', async () => {
    await using proxy = await HttpProxy.start(address())
    const reader = countingClient(address())
    await seed(reader, 'dc1', [{key: 'cut/a', value: bytes('1')}])
    const events: ReplicatorEvent[] = []
    const run = follow('cut/@dc1:cut2/', {at: proxy.address, observer: event => events.push(event)})
    await equal(reader, 'cut/', 'cut2/')
    const cut = proxy.on({path: /kv\/cut\/\?.*recurse/}, 'reset')
    const has = (type: ReplicatorEvent['type']) => () => events.some(event => event.type === type)
    await waitUntil(has('source.retrying'), {what: 'the outage to be reported', timeoutMs: 30_000})
    cut[Symbol.dispose]()
    await waitUntil(has('source.recovered'), {what: 'the end of the outage to be reported', timeoutMs: 30_000})
    await run.stop()
    expect(events.find(event => event.type === 'source.retrying')).toMatchObject({
      mapping: {source: 'cut/'},
      error: {code: 'BATON_CONNECT'},
    })
    await reader[Symbol.asyncDispose]()
  })

  it('lets transactions in flight finish when it is stopped', async () => {
    await using proxy = await HttpProxy.start(address())
    const reader = countingClient(address())
    await seed(
      reader,
      'dc1',
      Array.from({length: 640}, (_, at) => ({key: `stop/${at}`, value: bytes(String(at))})),
    )
    const run = follow('stop/@dc1', {at: proxy.address})
    await waitUntil(() => proxy.count({method: 'PUT', path: '/v1/txn'}) > 0, {
      what: 'the first transaction',
      intervalMs: 1,
    })
    await run.stop()
    const sent = proxy.count({method: 'PUT', path: '/v1/txn'})
    const there = (await contentOf(reader, 'dc2', 'stop/')).size
    // Every transaction that was sent has been applied completely.
    expect(there).toBe(Math.min(640, sent * 64))
    expect(run.passes.reduce((sum, pass) => sum + pass.written, 0)).toBe(there)
    await reader[Symbol.asyncDispose]()
  })
})
