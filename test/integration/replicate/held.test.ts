import {describe, expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {approveHeld, readHeld} from '../../../src/replicate/held/approval.js'
import {mappingPaths} from '../../../src/replicate/held/paths.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {defaultStatusDir} from '../../../src/replicate/status/status-document.js'
import type {ReplicatorEvent, ReplicatorOptions} from '../../../src/replicate/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'
import {bytes, countingClient, type Pair, seed} from './support.js'

const statusDir = defaultStatusDir
const pairs = (prefix: string, count: number): readonly Pair[] =>
  Array.from({length: count}, (_, at) => ({key: `${prefix}${String(at).padStart(3, '0')}`, value: bytes(String(at))}))

describe.each(backends)('deletes that guards count or hold, on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})
  const open = () => countingClient(agent.addresses.get('dc2')!)
  const namesOf = async (client: ConsulClient, prefix: string) => (await client.kv.keys(prefix)).value
  const heldOf = async (client: ConsulClient, spec: string) => {
    const {source} = parseMapping(spec)
    return (await readHeld(client, statusDir)).filter(({mapping}) => mapping.source === source)
  }

  /** Follows a mapping until disposed, and records the events. */
  function follow(client: ConsulClient, spec: string, options: Partial<ReplicatorOptions> = {}) {
    const stop = new AbortController()
    const events: ReplicatorEvent[] = []
    const mappings = [parseMapping(spec)]
    const replicator = createReplicator(client, {mappings, observer: event => events.push(event), ...options})
    const ended = (async () => {
      for await (const _ of replicator.run({signal: stop.signal}));
    })()
    return {
      events,
      replicator,
      async [Symbol.asyncDispose]() {
        stop.abort()
        await ended
      },
    }
  }

  async function once(client: ConsulClient, spec: string, options: Partial<ReplicatorOptions> = {}) {
    const [pass] = await createReplicator(client, {mappings: [parseMapping(spec)], ...options}).runOnce()
    return pass!
  }

  const deleteAll = (client: ConsulClient, keys: readonly string[]) =>
    Promise.all(keys.map(key => client.kv.delete(key, {datacenter: 'dc1'})))

  it('keep the ID of their set while more keys are deleted; an approval of that ID deletes exactly the keys of the set', async () => {
    await using client = open()
    const spec = 'keep/@dc1:kept/'
    await seed(client, 'dc1', pairs('keep/', 100))
    await using daemon = follow(client, spec)
    await waitUntil(async () => (await namesOf(client, 'kept/')).length === 100, {what: 'all is copied'})
    const trees = ['keep/00', 'keep/01'].map(key => ({verb: 'delete-tree' as const, key}))
    await client.txn.commit(trees, {datacenter: 'dc1'})
    await waitUntil(async () => (await heldOf(client, spec)).length > 0, {what: 'deletes are held'})
    const [first] = await heldOf(client, spec)
    await client.kv.deleteTree('keep/05', {datacenter: 'dc1'})
    await waitUntil(() => daemon.events.some(event => event.type === 'pass.finished' && event.pass.held.length > 1), {
      what: 'more is held',
    })
    const approved = await approveHeld(client, {id: first!.id, statusDir})
    expect(approved).toMatchObject({outcome: 'done', count: first!.keys.length})
    await waitUntil(() => daemon.events.some(({type}) => type === 'approval.finished'), {what: 'it is carried out'})
    const left = await namesOf(client, 'kept/')
    expect(left).toHaveLength(100 - first!.keys.length)
    expect(daemon.replicator.status(), 'they count as deleted').toMatchObject([{deleted: first!.keys.length}])
    for (const key of first!.keys) expect(left).not.toContain(key)
    expect(await approveHeld(client, {id: first!.id, statusDir})).toEqual({outcome: 'unknown'})
    expect(await namesOf(client, mappingPaths(statusDir, parseMapping(spec)).approved)).toEqual([])
  })

  it('are made by the next run if they were approved while no replicator was running', async () => {
    await using client = open()
    const spec = 'next/@dc1:nexts/'
    await seed(client, 'dc2', pairs('nexts/', 3))
    const {held} = await once(client, spec)
    await approveHeld(client, {id: held[0]!.id, statusDir})
    await seed(client, 'dc2', [{key: 'nexts/later', value: bytes('x')}])
    await once(client, spec)
    expect(await namesOf(client, 'nexts/')).toEqual(['nexts/later'])
  })

  it('are not made, even if approved, for keys that were written in the meantime or exist at the source', async () => {
    await using client = open()
    const spec = 'since/@dc1:sinced/'
    await seed(client, 'dc2', pairs('sinced/', 4))
    const {held} = await once(client, spec)
    await seed(client, 'dc2', [{key: 'sinced/000', value: bytes('mine')}])
    await seed(client, 'dc1', [{key: 'since/001', value: bytes('back')}])
    await approveHeld(client, {id: held[0]!.id, statusDir})
    const events: ReplicatorEvent[] = []
    await once(client, spec, {observer: event => events.push(event)})
    expect(events).toContainEqual(expect.objectContaining({type: 'approval.finished', deleted: 2, kept: 2}))
    // The key that was written in the meantime is judged again, and a single delete is within the limits.
    expect(await namesOf(client, 'sinced/')).toEqual(['sinced/001'])
  })

  it('are not made because of an approval that is used up, forged, or for another mapping', async () => {
    await using client = open()
    const [spec, other] = ['forge/@dc1:forged/', 'else/@dc1:elsed/']
    await seed(client, 'dc2', [...pairs('forged/', 3), ...pairs('elsed/', 3)])
    const [held] = (await once(client, spec)).held
    const [elsewhere] = (await once(client, other)).held
    const paths = mappingPaths(statusDir, parseMapping(spec))
    const otherPaths = mappingPaths(statusDir, parseMapping(other))
    await approveHeld(client, {id: elsewhere!.id, statusDir})
    const real = (await client.kv.get(`${otherPaths.approved}${elsewhere!.id}`)).value!.value
    const forgeries: readonly [string, Buffer][] = [
      [elsewhere!.id, real],
      [held!.id, real],
      [held!.id, bytes('{"Version":1,"ID":"')],
      [held!.id, Buffer.from(JSON.stringify({Version: 1, ID: held!.id, Digest: 'x', At: new Date().toISOString()}))],
    ]
    for (const [id, value] of forgeries) {
      await client.kv.put(`${paths.approved}${id}`, value)
      expect(await once(client, spec)).toMatchObject({deleted: 0, held: [{id: held!.id, count: 3}]})
      expect(await namesOf(client, paths.approved)).toEqual([])
    }
    // A set that was moved to the folder of another mapping is ignored.
    const set = await client.kv.list(`${otherPaths.held}${elsewhere!.id}`)
    for (const {key, value} of set.value)
      await client.kv.put(`${paths.held}${key.slice(otherPaths.held.length)}`, value)
    await client.kv.put(`${paths.approved}${elsewhere!.id}`, real)
    await once(client, spec)
    expect(await namesOf(client, 'forged/')).toHaveLength(3)
    expect(await namesOf(client, 'elsed/')).toHaveLength(3)
    // The used approval is written again: the same keys are held again and not deleted.
    await once(client, other)
    expect(await namesOf(client, 'elsed/')).toEqual([])
    await seed(client, 'dc2', pairs('elsed/', 3))
    expect(await once(client, other)).toMatchObject({held: [{id: elsewhere!.id}]})
    await client.kv.put(`${otherPaths.approved}${elsewhere!.id}`, real)
    expect(await once(client, other)).toMatchObject({deleted: 0, held: [{id: elsewhere!.id, count: 3}]})
  })

  it('are made once even if two replicators run, and no other key is deleted', async () => {
    await using client = open()
    const spec = 'both/@dc1:boths/'
    await seed(client, 'dc2', pairs('boths/', 40))
    await seed(client, 'dc1', pairs('both/', 20))
    await using one = follow(client, spec)
    await using two = follow(client, spec)
    await waitUntil(async () => (await heldOf(client, spec)).length > 0, {what: 'deletes are held'})
    const [set] = await heldOf(client, spec)
    expect(set!.keys).toHaveLength(20)
    await approveHeld(client, {id: set!.id, statusDir})
    await waitUntil(() => [one, two].some(({events}) => events.some(({type}) => type === 'approval.finished')), {
      what: 'it is carried out',
    })
    expect((await namesOf(client, 'boths/')).filter(key => key >= 'boths/020')).toEqual([])
  })

  it('are made even if a request fails in the middle of an approved set, and no other key is deleted', async () => {
    await using client = open()
    const spec = 'mid/@dc1:mids/'
    await seed(client, 'dc2', pairs('mids/', 150))
    const [held] = (await once(client, spec)).held
    await approveHeld(client, {id: held!.id, statusDir})
    await using proxy = await HttpProxy.start(agent.addresses.get('dc2')!)
    let deletes = 0
    proxy.on({path: '/v1/txn'}, request => {
      if (!request.body.includes('delete-cas')) return 'pass'
      deletes += 1
      return deletes === 2 ? {status: 500, body: 'rpc error'} : 'pass'
    })
    await using shaky = countingClient(proxy.address)
    await expect(once(shaky, spec, {attempts: 1})).rejects.toThrow()
    expect(await namesOf(client, 'mids/')).toHaveLength(150 - 64)
    await seed(client, 'dc2', [{key: 'mids/000', value: bytes('again')}])
    expect(await once(client, spec)).toMatchObject({held: [{reason: 'empty-source', count: 1, sample: ['mids/000']}]})
    expect(await namesOf(client, 'mids/')).toEqual(['mids/000'])
  })

  it('are held back if the keys of the source are deleted one by one, but faster than the delete budget permits', async () => {
    await using client = open()
    const spec = 'drip/@dc1:drips/'
    await seed(client, 'dc1', pairs('drip/', 100))
    await once(client, spec)
    let deleted = 0
    for (let at = 0; at < 14; at += 1) {
      await deleteAll(client, [`drip/${String(at).padStart(3, '0')}`])
      // Each run acts as a new process, because the counts of deletes are stored at the destination.
      deleted += (await once(client, spec)).deleted
    }
    expect(deleted).toBe(10)
    expect(await namesOf(client, 'drips/')).toHaveLength(90)
    const [set] = await heldOf(client, spec)
    expect(set).toMatchObject({reason: 'budget', why: 'more than 10 of 100 keys within 10m'})
    expect(await once(client, spec, {deleteBudget: {max: {count: 20}, windowMs: 600_000}})).toMatchObject({deleted: 3})
  })

  it('count once towards the delete budget if two replicators make the same deletes', async () => {
    await using client = open()
    const spec = 'twice/@dc1:twices/'
    await seed(client, 'dc1', pairs('twice/', 50))
    await once(client, spec)
    await deleteAll(client, ['twice/001', 'twice/002'])
    await Promise.all([once(client, spec), once(client, spec)])
    const {value} = await client.kv.get(mappingPaths(statusDir, parseMapping(spec)).spent)
    const counts = (JSON.parse(value!.value.toString()) as {Deletes: readonly {Count: number}[]}).Deletes
    expect(counts.reduce((sum, {Count}) => sum + Count, 0)).toBe(2)
  })
})
