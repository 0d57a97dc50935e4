import {describe, expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {readStatuses} from '../../../src/replicate/status/read-statuses.js'
import {isAlive} from '../../../src/replicate/status/replicator-report.js'
import {encodeStatus, statusKey} from '../../../src/replicate/status/status-document.js'
import type {ReplicatorEvent, ReplicatorOptions} from '../../../src/replicate/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'
import {bytes, countingClient, seed} from './support.js'

const statusDir = 'st'

describe.each(backends)('the status of replication on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})
  const open = () => countingClient(agent.addresses.get('dc2')!)
  const options = (spec: string, more: Partial<ReplicatorOptions> = {}): ReplicatorOptions => ({
    mappings: [parseMapping(spec)],
    statusDir,
    ...more,
  })

  function follow(client: ConsulClient, spec: string, more: Partial<ReplicatorOptions> = {}) {
    const stop = new AbortController()
    const replicator = createReplicator(client, options(spec, {observer: () => {}, ...more}))
    const ended = (async () => {
      for await (const _ of replicator.run({signal: stop.signal}));
    })()
    ended.catch(() => {})
    const dispose = async () => {
      stop.abort()
      await ended
    }
    return {replicator, ended, [Symbol.asyncDispose]: dispose}
  }

  async function statusOf(client: ConsulClient, source: string) {
    return (await readStatuses(client, statusDir)).find(document => document.source === source)
  }
  const reportsOf = async (client: ConsulClient, source: string) => (await statusOf(client, source))?.replicators ?? []
  const now = () => Date.now()

  it('is written by each running replicator, and once more when the replicator stops, without resetting the replicated index', async () => {
    await using client = open()
    await seed(client, 'dc1', [{key: 'beat/a', value: bytes('1')}])
    {
      await using _one = follow(client, 'beat/@dc1:beats/', {heartbeatMs: 1000})
      await using two = follow(client, 'beat/@dc1:beats/', {heartbeatMs: 1000})
      const isCurrent = async () => {
        const reports = await reportsOf(client, 'beat/')
        return reports.length === 2 && reports.every(({state}) => state === 'current')
      }
      await waitUntil(isCurrent, {what: 'both say that they are current'})
      const [first] = await reportsOf(client, 'beat/')
      await waitUntil(
        async () => (await reportsOf(client, 'beat/')).some(each => each.heartbeatMs > first!.heartbeatMs),
        {
          what: 'another heartbeat',
        },
      )
      expect(two.replicator.status()).toMatchObject([{state: 'current', lagMs: 0, keys: 1, held: 0}])
      for (const each of await reportsOf(client, 'beat/')) expect(isAlive(each, now())).toBe(true)
    }
    const document = await statusOf(client, 'beat/')
    expect(document?.replicators.map(({phase}) => phase)).toEqual(['stopped', 'stopped'])
    expect(document?.record).toMatchObject({datacenter: 'dc1', keys: 1})
    expect(document?.record.lastReplicated).toBeGreaterThan(0n)
  })

  it('does not say that source and destination are equal if the first copy is stopped half-way', async () => {
    await using client = open()
    const keys = Array.from({length: 300}, (_, at) => ({key: `half/${at}`, value: bytes('1')}))
    await seed(client, 'dc1', keys)
    const stop = new AbortController()
    const observer = ({type}: ReplicatorEvent): void => {
      if (type === 'pass.progressed') stop.abort(new Error('enough'))
    }
    const replicator = createReplicator(client, options('half/@dc1:halves/', {observer, concurrency: 1}))
    await expect(replicator.runOnce({signal: stop.signal})).rejects.toThrow('enough')
    expect((await client.kv.keys('halves/')).value.length).toBeLessThan(keys.length)
    expect(await reportsOf(client, 'half/')).toMatchObject([{phase: 'stopped', equalAtMs: undefined}])
    expect(replicator.status()).toMatchObject([{equalAtMs: undefined, currentAtMs: undefined}])
  })

  it('shows since when the copy is stale if the source does not answer, and recovers', async () => {
    await using client = open()
    await using proxy = await HttpProxy.start(agent.addresses.get('dc1')!)
    await using source = countingClient(proxy.address)
    await seed(client, 'dc1', [{key: 'cut/a', value: bytes('1')}])
    await using run = follow(client, 'cut/@dc1:cuts/', {source, waitMs: 500})
    const status = () => run.replicator.status()[0]!
    await waitUntil(() => status().state === 'current', {what: 'the first copy'})
    const fault = proxy.on({path: '/v1/kv/cut/'}, () => ({status: 500, body: 'rpc error: no path'}))
    await waitUntil(() => status().lagMs > 2000, {what: 'the lag grows'})
    expect(status()).toMatchObject({state: 'retrying', retrying: {part: 'source'}})
    expect(status().currentAtMs).toBeLessThan(now() - 1900)
    await waitUntil(async () => (await reportsOf(client, 'cut/'))[0]?.retrying?.part === 'source', {
      what: 'the status key says so',
    })
    fault[Symbol.dispose]()
    await waitUntil(() => status().state === 'current' && status().lagMs === 0, {what: 'it recovers'})
  })

  it('is used to refuse another source for an overlapping destination until the first replicator stops', async () => {
    await using client = open()
    await seed(client, 'dc1', [{key: 'own/a', value: bytes('1')}])
    {
      await using run = follow(client, 'own/@dc1:shared/x/')
      await waitUntil(() => run.replicator.status()[0]!.state === 'current', {what: 'the first copy'})
      for (const spec of ['other/@dc1:shared/', 'other/@dc1:shared/x/y/', 'own/@dc9:shared/x/']) {
        await expect(createReplicator(client, options(spec)).runOnce(), spec).rejects.toMatchObject({
          code: 'BATON_USAGE',
          message: expect.stringContaining('overlapping destination'),
        })
      }
      await expect(follow(client, 'other/@dc1:shared/').ended).rejects.toMatchObject({code: 'BATON_USAGE'})
      await createReplicator(client, options('own/@dc1:shared/x/')).runOnce()
      await createReplicator(client, options('own/@dc1:elsewhere/')).runOnce()
    }
    expect((await client.kv.keys('shared/')).value).toEqual(['shared/x/a'])
    await createReplicator(client, options('own/@dc1:shared/')).runOnce()
  })

  it('is restored, with the replicated index and the reports of replicators, after consul-replicate has overwritten it', async () => {
    await using client = open()
    const mapping = parseMapping('go/@dc1:gone/')
    const key = statusKey(statusDir, mapping)
    const theirs = '{\n  "LastReplicated": 5,\n  "Source": "go/",\n  "Destination": "gone/"\n}'
    await client.kv.put(key, bytes(theirs))
    await seed(client, 'dc1', [{key: 'go/a', value: bytes('1')}])
    await using _run = follow(client, 'go/@dc1:gone/', {heartbeatMs: 1000})
    await waitUntil(async () => (await statusOf(client, 'go/'))?.record.keys === 1, {what: 'the position'})
    const position = (await statusOf(client, 'go/'))!.record.lastReplicated
    await client.kv.put(key, bytes(theirs))
    await waitUntil(async () => (await reportsOf(client, 'go/')).length === 1, {what: 'the next heartbeat'})
    expect((await statusOf(client, 'go/'))!.record.lastReplicated).toBe(position)
    expect((await client.kv.get(key)).value!.value.toString()).toMatch(/^\{\n {2}"LastReplicated": \d+,\n {2}"Source"/)
  })

  it('is ignored by a replicator of another source if its last heartbeat is more than three intervals old', async () => {
    await using client = open()
    const report = {id: 'x', host: 'h', pid: 1, phase: 'running', datacenter: 'dc1', state: 'current'} as const
    const times = {startedAtMs: 0, heartbeatMs: now() - 91_000, everyMs: 30_000, lagMs: 0}
    const left = {held: 0, refused: 0, hidden: 0, currentAtMs: undefined, equalAtMs: undefined, retrying: undefined}
    const record = {lastReplicated: 1n, datacenter: 'dc1', keys: 0}
    const dead = {source: 'dead/', destination: 'silent/', record, updatedAtMs: undefined}
    await client.kv.put(
      statusKey(statusDir, {source: 'dead/', destination: 'silent/', datacenter: 'dc1'}),
      encodeStatus({...dead, replicators: [{...report, ...times, ...left}]}),
    )
    await expect(createReplicator(client, options('dead2/@dc1:silent/')).runOnce()).resolves.toHaveLength(1)
  })
})
