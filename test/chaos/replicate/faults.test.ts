import {describe, expect, it, onTestFinished} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {decodeStatus, statusKey} from '../../../src/replicate/status/status-document.js'
import type {ReplicationPass, ReplicatorOptions} from '../../../src/replicate/types.js'
import {bytes, contentOf, countingClient, seed} from '../../integration/replicate/support.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {TcpProxy} from '../../kit/tcp-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'

/** The two ways to follow a mapping: one blocking query for all its keys, or one for each part of the prefix. */
const ways = [
  ['by whole lists', Number.POSITIVE_INFINITY],
  ['in parts', 0],
] as const

/** Follows mappings until the test ends. */
function follow(client: ConsulClient, options: ReplicatorOptions): readonly ReplicationPass[] {
  const controller = new AbortController()
  const passes: ReplicationPass[] = []
  const ended = (async () => {
    const run = createReplicator(client, {waitMs: 2000, ...options}).run({signal: controller.signal})
    for await (const pass of run) passes.push(pass)
  })()
  onTestFinished(async () => {
    controller.abort()
    await ended
    await client[Symbol.asyncDispose]()
  })
  return passes
}

const numbered = (prefix: string, count: number, value = '1') =>
  Array.from({length: count}, (_, at) => ({key: `${prefix}${at % 7}/${at}`, value: bytes(value)}))

describe.each(backends)('replication under faults, on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2', 'dc3']})
  const address = (dc: string) => agent.addresses.get(dc)!
  const isEqual = async (client: ConsulClient, from: string, to: string) => {
    const [there, here] = [await contentOf(client, 'dc1', from), await contentOf(client, 'dc2', to)]
    return there.size > 0 && JSON.stringify([...there]) === JSON.stringify([...here])
  }
  const untilEqual = (client: ConsulClient, from: string, to: string) =>
    waitUntil(() => isEqual(client, from, to), {what: `${to} to equal ${from}`, timeoutMs: 40_000})

  it.each(ways)(
    'writes and deletes nothing if an index goes back, as it does when tombstones are reaped (mapping followed %s)',
    async (way, shardAbove) => {
      const [from, to] = [`low${way.length}/`, `low${way.length}-copy/`]
      await using proxy = await HttpProxy.start(address('dc2'))
      await using reader = countingClient(address('dc2'))
      await seed(reader, 'dc1', numbered(from, 60))
      const client = countingClient(proxy.address)
      const passes = follow(client, {mappings: [parseMapping(`${from}@dc1:${to}`)], shardAbove, maxDelete: 'off'})
      await untilEqual(reader, from, to)
      // Each blocking query of the source receives a lower index than the one it has sent.
      let lowered = 0
      proxy.on(
        {path: new RegExp(`/v1/kv/${from}.*index=`)},
        {
          rewrite: ({status, headers, body}) => {
            lowered += 1
            return {status, body, headers: {...(headers as Record<string, string>), 'x-consul-index': '1'}}
          },
        },
        3,
      )
      await waitUntil(() => lowered > 0, {what: 'an index that went back', timeoutMs: 20_000})
      await seed(reader, 'dc1', [{key: `${from}1/1`, value: bytes('2')}])
      await untilEqual(reader, from, to)
      const written = (): number => passes.reduce((sum, pass) => sum + pass.written, 0)
      await waitUntil(() => written() >= 61, {what: 'the pass to be told'})
      expect(written()).toBe(61)
      expect(passes.reduce((sum, pass) => sum + pass.deleted, 0)).toBe(0)
    },
  )

  it('makes both sides equal after the source was rebuilt with lower indexes, or was replaced by another datacenter', async () => {
    await using client = countingClient(address('dc2'))
    await seed(client, 'dc1', numbered('anew/', 40))
    const once = async (dc: string) => {
      const mapping = parseMapping(`anew/@${dc}:anew-copy/`)
      const [pass] = await createReplicator(client, {
        mappings: [mapping],
        maxDelete: 'off',
        statusDir: 'anew-st',
      }).runOnce()
      const status = await client.kv.get(statusKey('anew-st', mapping))
      return {pass, last: decodeStatus(status.value!.value)?.record.lastReplicated ?? 0n}
    }
    await seed(
      client,
      'dc1',
      Array.from({length: 20}, (_, at) => ({key: `unrelated/${at}`, value: bytes('1')})),
    )
    await seed(client, 'dc1', numbered('anew/', 1, 'newest'))
    const before = await once('dc1')
    // The new source has fewer writes, so its indexes are lower than the index in the status key.
    await seed(client, 'dc3', numbered('anew/', 30, '3'))
    const after = await once('dc3')
    expect(after.pass).toMatchObject({written: 30, deleted: 10})
    expect(after.last).toBeLessThan(before.last)
    expect([...(await contentOf(client, 'dc2', 'anew-copy/'))]).toEqual([...(await contentOf(client, 'dc3', 'anew/'))])
  })

  it.each(ways)(
    'copies the many changes made while the network was cut, and makes no other delete (mapping followed %s)',
    async (way, shardAbove) => {
      const [from, to] = [`cut${way.length}/`, `cut${way.length}-copy/`]
      await using proxy = await TcpProxy.start(address('dc1'))
      await using reader = countingClient(address('dc2'))
      await seed(reader, 'dc1', numbered(from, 400))
      const source = countingClient(proxy.address)
      onTestFinished(() => source[Symbol.asyncDispose]())
      const mappings = [parseMapping(`${from}:${to}`, {datacenterRequired: false})]
      const passes = follow(countingClient(address('dc2')), {mappings, source, shardAbove})
      await untilEqual(reader, from, to)
      proxy.blackHole('both')
      await seed(reader, 'dc1', numbered(from, 300, '2'))
      for (const at of [0, 7, 14]) await reader.kv.delete(`${from}0/${at}`, {datacenter: 'dc1'})
      await proxy.heal()
      proxy.reset()
      await untilEqual(reader, from, to)
      const deleted = (): number => passes.reduce((sum, pass) => sum + pass.deleted, 0)
      await waitUntil(() => deleted() >= 3, {what: 'the deletes to be told'})
      expect(deleted()).toBe(3)
      expect(passes.flatMap(({held}) => held)).toEqual([])
    },
  )

  it('keeps at most 40 blocking queries open at an agent, however many prefixes with many keys it follows', async () => {
    await using reader = countingClient(address('dc2'))
    const names = Array.from({length: 12}, (_, at) => `many${at}/`)
    for (const name of names) await seed(reader, 'dc1', numbered(name, 60))
    await using proxy = await HttpProxy.start(address('dc2'))
    let [waiting, most] = [0, 0]
    const client = countingClient(proxy.address)
    const {caller} = client
    const inner = caller.call.bind(caller)
    const call: typeof inner = async (request, options) => {
      const waits = (options as {readonly index?: bigint} | undefined)?.index !== undefined
      if (waits) waiting += 1
      most = Math.max(most, waiting)
      try {
        return await inner(request, options)
      } finally {
        if (waits) waiting -= 1
      }
    }
    Object.assign(caller, {call})
    follow(client, {mappings: names.map(name => parseMapping(`${name}@dc1:copy-${name}`)), shardAbove: 0})
    for (const name of names) await untilEqual(reader, name, `copy-${name}`)
    await seed(
      reader,
      'dc1',
      names.map(name => ({key: `${name}1/1`, value: bytes('2')})),
    )
    for (const name of names) await untilEqual(reader, name, `copy-${name}`)
    // One more query is allowed, because it follows the notices that undos leave.
    const parked = proxy.requests.filter(({path}) => path.includes('index='))
    expect(new Set(parked.map(({path}) => path.replace(/[?&]index=\d+/, ''))).size).toBeGreaterThan(20)
    expect(most).toBeLessThanOrEqual(41)
  })

  it('copies values of every size that Consul accepts, and copies a transaction of 64 keys in one transaction', async () => {
    await using client = countingClient(address('dc2'))
    const sizes = [0, 1, 392_000, 393_217, 524_288]
    for (const size of sizes) await client.kv.put(`size/${size}`, Buffer.alloc(size, 7), {datacenter: 'dc1'})
    const whole = Array.from({length: 64}, (_, at) => ({key: `whole/${at}`, value: bytes('1')}))
    await seed(client, 'dc1', whole)
    const mappings = ['size/', 'whole/'].map(name => parseMapping(`${name}@dc1:copy-${name}`))
    await createReplicator(client, {mappings}).runOnce()
    expect([...(await contentOf(client, 'dc2', 'copy-size/'))]).toEqual([...(await contentOf(client, 'dc1', 'size/'))])
    const indexes = (await client.kv.list('copy-whole/')).value.map(({modifyIndex}) => modifyIndex)
    expect([indexes.length, new Set(indexes).size]).toEqual([64, 1])
  })
})
