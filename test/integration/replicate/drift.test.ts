import {describe, expect, it, onTestFinished} from 'vitest'
import type {TransportRequest} from '../../../src/core/types.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import type {DriftRule, ReplicationPass} from '../../../src/replicate/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {bytes, countingClient, seed} from './support.js'

const ways = [
  ['by whole lists', Number.POSITIVE_INFINITY],
  ['in parts', 0],
] as const

describe.each(backends)('changes of other clients at the destination, on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})

  async function setUp(name: string, onDrift: DriftRule, shardAbove: number) {
    const client = countingClient(agent.addresses.get('dc2')!)
    const [from, to] = [`${name}/`, `${name}-copy/`]
    await seed(
      client,
      'dc1',
      ['a', 'b', 'c', 'd'].map(key => ({key: from + key, value: bytes('1')})),
    )
    const controller = new AbortController()
    const passes: ReplicationPass[] = []
    const mappings = [parseMapping(`${from}@dc1:${to}`)]
    const replicator = createReplicator(client, {mappings, onDrift, shardAbove, waitMs: 2000, maxDelete: 'off'})
    const ended = (async () => {
      for await (const pass of replicator.run({signal: controller.signal})) passes.push(pass)
    })()
    onTestFinished(async () => {
      controller.abort()
      await ended
      await client[Symbol.asyncDispose]()
    })
    const there = async (key: string) => (await client.kv.get(to + key)).value?.value.toString()
    const isThere = (key: string, value: string | undefined) =>
      waitUntil(async () => (await there(key)) === value, {what: `${key} to be ${value}`})
    const isNamed = (key: string) =>
      waitUntil(() => passes.some(({drifted}) => drifted.includes(to + key)), {what: `${key} to be named`})
    const set = (key: string, value: string) => seed(client, 'dc1', [{key: from + key, value: bytes(value)}])
    await isThere('d', '1')
    return {client, from, to, there, isThere, isNamed, set, mappings, passes}
  }

  it.each(ways)(
    'with onDrift report, are reported and then left alone until the source changes the keys (mapping followed %s)',
    async (way, shardAbove) => {
      const {client, to, there, isThere, isNamed, set} = await setUp(`rep${way.length}`, 'report', shardAbove)
      await client.kv.put(`${to}a`, bytes('foreign'))
      await client.kv.delete(`${to}b`)
      await client.kv.put(`${to}new`, bytes('foreign'))
      for (const key of ['a', 'b', 'new']) await isNamed(key)
      await set('c', '2')
      await isThere('c', '2')
      expect([await there('a'), await there('b'), await there('new')]).toEqual(['foreign', undefined, 'foreign'])
      await set('a', '2')
      await isThere('a', '2')
      await set('b', '2')
      await isThere('b', '2')
    },
  )

  it.each(ways)(
    'with onDrift protect, are left alone even if the source changes the keys later (mapping followed %s)',
    async (way, shardAbove) => {
      const {client, from, to, there, isThere, isNamed, set} = await setUp(`pro${way.length}`, 'protect', shardAbove)
      await client.kv.put(`${to}a`, bytes('foreign'))
      await client.kv.put(`${to}new`, bytes('foreign'))
      await isNamed('a')
      await isNamed('new')
      await set('a', '2')
      await client.kv.delete(`${from}b`, {datacenter: 'dc1'})
      await set('c', '2')
      await isThere('c', '2')
      await isThere('b', undefined)
      expect([await there('a'), await there('new')]).toEqual(['foreign', 'foreign'])
      // Once a replication pass has found source and destination equal, the key is copied as before.
      const before = client.requests.length
      await client.kv.put(`${to}a`, bytes('2'))
      const isRead = ({path, body}: TransportRequest): boolean =>
        path.startsWith(`/v1/kv/${to}?recurse`) || String(body && Buffer.from(body)).includes(`"get","Key":"${to}a"`)
      await waitUntil(() => client.requests.slice(before).some(isRead), {what: 'the key to be read'})
      await set('d', '2')
      await isThere('d', '2')
      await set('a', '3')
      await isThere('a', '3')
    },
  )

  it('are recognised after a restart by means of the status key, and repaired by default', async () => {
    const {client, to, mappings} = await setUp('again', 'report', Number.POSITIVE_INFINITY)
    const key = `${to}a`
    const read = async () => (await client.kv.get(key)).value?.value.toString()
    await client.kv.put(key, bytes('foreign'))
    const [named] = await createReplicator(client, {mappings, onDrift: 'protect'}).runOnce()
    expect([named?.drifted, await read()]).toEqual([[key], 'foreign'])
    const [repaired] = await createReplicator(client, {mappings}).runOnce()
    expect([repaired?.written, await read()]).toEqual([1, '1'])
  })
})
