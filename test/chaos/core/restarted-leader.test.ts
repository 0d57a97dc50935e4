import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {createClient} from '../../../src/core/client.js'
import {follow} from '../../../src/core/query/follow.js'
import {kvKey, kvPrefix} from '../../../src/core/query/topics.js'
import {createMutex} from '../../../src/lock/mutex.js'
import type {LockEvent} from '../../../src/lock/types.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {openSession} from '../../../src/session/session.js'
import {ViewReader} from '../../integration/core/view-reader.js'
import {type ConsulCluster, startCluster} from '../../kit/consul-cluster.js'
import {consulIsInstalled, startDevAgent} from '../../kit/consul-server.js'
import {checkNoOverlap, criticalSection, readHistory} from '../../kit/history.js'
import {raw} from '../../kit/raw-consul.js'
import {startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

const required = process.env['BATON_REQUIRE_CONSUL'] === '1'
const writes = 700
/**
 * Number of simultaneous queries. A single query would not suffice, because a server without a leader may delay it
 * until the server no longer shows old state.
 */
const askers = 8
const locks = Array.from({length: 9}, (_, at) => `locked/${at}`)
const semaphoreFlags = '16210313421097356768'
/** Returns a value that makes Consul's log so long that applying it again takes more than a second. */
const padding = (value: string) =>
  Array.from({length: 63}, (_, at) => toSet(`padding/${at}`, value.padEnd(1200, String(at))))
const toSet = (key: string, value: string) => ({
  KV: {Verb: 'set', Key: key, Value: Buffer.from(value).toString('base64')},
})

// A single server becomes leader immediately after a restart and, while it applies its log again, shows all its earlier
// states one after another.
describe.runIf(required || consulIsInstalled())('a restarted leader that has not applied its log', () => {
  let cluster: ConsulCluster
  const write = async (key: string, value: string): Promise<void> => {
    await raw(cluster.address).ok('PUT', '/v1/txn', {body: JSON.stringify([toSet(key, value), ...padding(value)])})
  }
  /**
   * Restarts the server until a read has returned old state, which may not happen at the first attempt on a busy
   * machine.
   */
  const restartUntil = async (
    isSeen: () => boolean,
    what: string,
    meanwhile?: () => Promise<unknown>,
  ): Promise<void> => {
    for (let restarts = 0; restarts < 5 && !isSeen(); restarts += 1) {
      await cluster.servers[0]!.restart('kill')
      await meanwhile?.()
      await cluster.untilReady()
    }
    expect(isSeen(), `the server shows ${what}`).toBe(true)
  }

  beforeAll(async () => {
    cluster = await startCluster({servers: 1, config: {performance: {raft_multiplier: 1}}})
    // The log begins with states of these locks that are no longer true.
    for (const prefix of locks)
      await raw(cluster.address).kvPut(`${prefix}/.lock`, '{"Limit":2,"Holders":{}}', {flags: semaphoreFlags})
    for (let count = 1; count <= writes; count += 1) await write('shown/count', String(count))
    await write('shown/last', '1')
    for (const prefix of locks) await raw(cluster.address).kvDelete(`${prefix}/.lock`)
  }, 120_000)
  afterAll(() => cluster[Symbol.asyncDispose]())

  it('does not make a view show old state', async () => {
    await using reader = new ViewReader(cluster.address, client => kvPrefix(client, 'shown/'))
    await waitUntil(() => reader.words.includes('!live'), {what: 'the first list'})
    await using history = await watchDefaultReads(cluster.address)
    await restartUntil(() => history.counts.some(count => count < writes), 'an old count')
    await write('shown/after', '1')
    await waitUntil(() => reader.words.includes('+shown/after'), {what: 'the next change', timeoutMs: 60_000})
    expect(reader.words.filter(word => /^[+-]/.test(word))).toEqual(['+shown/count', '+shown/last', '+shown/after'])
  })

  it('does not make a session end', async () => {
    await using client = createClient({address: cluster.address})
    await using session = await openSession(client, {unprovenLimitMs: 60_000, renewEveryMs: 1000})
    await using denials = await watchRenewals(cluster.address, session.id)
    await restartUntil(() => denials.count > 0, 'a denial of the session')
    const provenAtMs = session.provenAtMs
    await waitUntil(() => session.provenAtMs > provenAtMs || session.signal.aborted, {
      what: 'a renewal',
      timeoutMs: 30_000,
    })
    expect(session.signal.reason).toBeUndefined()
  })

  it('does not make a holder lose its lock, another contender acquire the lock, or a waiting contender fail', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
    const history = join(folder, 'history')
    const start = (id: string, seconds: number) =>
      startCli(['lock', '-v', locks[0]!, '--', criticalSection, history, id, String(seconds)], {agent: cluster})
    await using holder = start('holder', 15)
    await waitUntil(() => readHistory(history).length > 0, {what: 'the holder to begin'})
    await using waiting = start('waiting', 0.1)
    await waiting.waitForOutput(/held by/, {stream: 'stderr'})
    const {session} = (await raw(cluster.address).kvGet(`${locks[0]}/.lock`))!
    await using client = createClient({address: cluster.address})
    const others = await Promise.all(locks.slice(1).map(prefix => holdAndWait(client, prefix)))
    await using denials = await watchRenewals(cluster.address, session!)
    await cluster.servers[0]!.restart('kill')
    await using late = start('late', 0.1)
    await cluster.untilReady()
    await restartUntil(() => denials.count > 0, "a denial of the holder's session")
    const results = await Promise.all([holder, waiting, late].map(each => each.exited))
    expect(
      results.map(result => result.exitCode),
      results.map(result => result.stderr).join('\n'),
    ).toEqual([0, 0, 0])
    expect(checkNoOverlap(history).finished).toHaveLength(3)
    rmSync(folder, {recursive: true})
    expect(others.filter(({hold}) => hold.signal.aborted)).toEqual([])
    await Promise.all(others.map(({hold}) => hold.release()))
    expect(await Promise.all(others.map(({next}) => next))).toEqual(others.map(() => 'released'))
  }, 90_000)

  it('does not make replication write an older value, whether replication starts or is already running', async () => {
    await using destination = await startDevAgent()
    await using source = createClient({address: cluster.address})
    await using target = createClient({address: destination.address})
    const mappings = [parseMapping('shown/@dc1:copy/')]
    const replicator = createReplicator(target, {source, mappings, attempts: 100})
    await replicator.runOnce()
    const stop = new AbortController()
    const copied: number[] = []
    const watching = (async () => {
      for await (const {snapshot} of follow(kvKey(target, 'copy/count'), target, {signal: stop.signal}))
        copied.push(Number(snapshot.value?.value))
    })()
    const running = (async () => {
      for await (const _ of replicator.run({signal: stop.signal}));
    })()
    await using history = await watchDefaultReads(cluster.address)
    const showsPast = (): boolean => history.counts.some(count => count < writes)
    await restartUntil(showsPast, 'an old count', () => replicator.runOnce())
    await write('shown/count', String(writes + 1))
    await waitUntil(() => copied.includes(writes + 1), {what: 'the next change', timeoutMs: 60_000})
    stop.abort()
    await Promise.allSettled([watching, running])
    expect([...new Set(copied)]).toEqual([writes, writes + 1])
  })
})

/**
 * Acquires the lock, and starts a second contender, which waits for the lock and releases it when it has acquired it.
 */
async function holdAndWait(client: ConsulClient, prefix: string) {
  const hold = await createMutex(client, {prefix}).acquire()
  let isWaiting = false
  const observer = (event: LockEvent): void => {
    if (event.type === 'lock.waiting' && event.reason === 'held') isWaiting = true
  }
  const next = createMutex(client, {prefix, observer})
    .acquire()
    .then(async own => (await own.release()).lock, String)
  await waitUntil(() => isWaiting, {what: 'the next to wait'})
  return {hold, next}
}

/** Counts the renewals that are answered with 404, which proves that old state was returned. */
async function watchRenewals(address: string, id: string): Promise<AsyncDisposable & {count: number}> {
  let isOver = false
  const watch = {
    count: 0,
    async [Symbol.asyncDispose]() {
      isOver = true
      await renewing
    },
  }
  const renew = async (): Promise<void> => {
    while (!isOver) {
      const answer = await raw(address)
        .request('PUT', `/v1/session/renew/${id}`)
        .catch(() => undefined)
      if (answer?.status === 404) watch.count += 1
    }
  }
  const renewing = Promise.all(Array.from({length: askers}, renew))
  return watch
}

/** Records the counts that plain reads return, which proves that old state was returned. */
async function watchDefaultReads(address: string): Promise<AsyncDisposable & {readonly counts: number[]}> {
  const counts: number[] = []
  const stop = new AbortController()
  const read = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const answer = await raw(address)
        .request('GET', '/v1/kv/shown/count', {query: {raw: true}})
        .catch(() => undefined)
      if (answer?.status === 200) counts.push(Number(answer.text))
    }
  }
  const reading = Promise.all(Array.from({length: askers}, read))
  return {
    counts,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await reading
    },
  }
}
