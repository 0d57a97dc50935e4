import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {bytes, contentOf, seed} from '../../integration/replicate/support.js'
import {type ConsulFederation, startFederation} from '../../kit/consul-cluster.js'
import {consulIsInstalled} from '../../kit/consul-server.js'
import {waitUntil} from '../../kit/wait-until.js'

const hasConsul = consulIsInstalled() || process.env['BATON_REQUIRE_CONSUL'] === '1'
const keys = 5000
const gonePerKill = 3

describe.runIf(hasConsul)('replication between two datacenters', () => {
  let federation: ConsulFederation

  beforeAll(async () => {
    federation = await startFederation(['dc1', 'dc2'])
  }, 120_000)
  afterAll(() => federation[Symbol.asyncDispose]())

  it('ends with equal data and no unwanted deletes, whichever server is killed during a copy', async () => {
    await using source = createClient({address: federation.dc('dc1').address})
    await using destination = createClient({address: federation.dc('dc2').address})
    const pair = (round: number, at: number) => ({key: `from/${at}`, value: bytes(`${round}/${at}`.padEnd(300, '.'))})
    const write = (round: number): Promise<void> =>
      seed(
        source,
        'dc1',
        Array.from({length: keys}, (_, at) => pair(round, at)).filter((_, at) => at % 3 === round % 3),
      )
    for (const round of [0, 1, 2]) await write(round)
    const replicator = createReplicator(destination, {source, mappings: [parseMapping('from/@dc1:to/')]})
    const stop = new AbortController()
    const counts = {written: 0, deleted: 0}
    const running = (async () => {
      for await (const {written, deleted} of replicator.run({signal: stop.signal})) {
        counts.written += written
        counts.deleted += deleted
      }
    })()
    let gone = 0
    for (const [round, name] of ['dc2', 'dc1'].entries()) {
      await write(3 + round)
      for (let at = 0; at < gonePerKill; at += 1) await source.kv.delete(`from/${gone++}`)
      const {servers} = federation.dc(name)
      await servers[0]!.restart('kill')
      await federation.dc(name).untilReady()
      const areEqual = async (): Promise<boolean> => {
        const [from, to] = await Promise.all([
          contentOf(source, 'dc1', 'from/').catch(() => undefined),
          contentOf(destination, 'dc2', 'to/').catch(() => undefined),
        ])
        return from !== undefined && JSON.stringify([...from]) === JSON.stringify([...(to ?? [])])
      }
      await waitUntil(areEqual, {what: `both sides to be equal after ${name}`, timeoutMs: 60_000, intervalMs: 300})
    }
    stop.abort()
    await running
    expect(counts.written).toBeGreaterThanOrEqual(keys)
    expect(counts.deleted).toBeLessThanOrEqual(gone)
  })
})
