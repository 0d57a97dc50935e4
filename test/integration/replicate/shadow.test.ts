import {describe, expect, it, onTestFinished} from 'vitest'
import {mutexFlags} from '../../../src/core/consul-constants.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {encodeStatus, statusKey} from '../../../src/replicate/status/status-document.js'
import type {ShadowDifference} from '../../../src/replicate/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {bytes, countingClient, seed} from './support.js'

describe.each(backends)('a comparison with another replicator, on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})

  it('lists the keys that baton would have handled differently, and writes nothing', async () => {
    const client = countingClient(agent.addresses.get('dc2')!)
    const other = countingClient(agent.addresses.get('dc2')!)
    await seed(other, 'dc1', [
      ...Array.from({length: 30}, (_, at) => ({key: `sh/k${at}`, value: bytes('1')})),
      {key: 'sh/lock', value: bytes('1'), flags: mutexFlags},
    ])
    const mapping = parseMapping('sh/@dc1:shc/')
    const statusDir = 'sh-st'
    /** Writes a status key as consul-replicate does when it has copied everything. */
    const caughtUp = () =>
      other.kv.put(
        statusKey(statusDir, mapping),
        encodeStatus({
          ...mapping,
          record: {lastReplicated: 2n ** 40n, datacenter: undefined, keys: 0},
          updatedAtMs: undefined,
          replicators: [],
        }),
      )
    const copies = Array.from({length: 30}, (_, at) => ({key: `shc/k${at}`, value: bytes('1')}))
    await seed(other, 'dc2', [...copies, {key: 'shc/drift', value: bytes('1')}])
    await caughtUp()
    const controller = new AbortController()
    const found: ShadowDifference[] = []
    const ended = (async () => {
      const replicator = createReplicator(client, {mappings: [mapping], statusDir})
      for await (const {differences} of replicator.shadow({signal: controller.signal})) found.push(...differences)
    })()
    onTestFinished(async () => {
      controller.abort()
      await ended
      await Promise.all([client, other].map(each => each[Symbol.asyncDispose]()))
    })
    const isNamed = (key: string, kind: ShadowDifference['kind']) =>
      waitUntil(() => found.some(each => each.key === key && each.kind === kind), {what: `${key} ${kind}`})
    await isNamed('shc/drift', 'not-deleted')
    // The other replicator copies a lock's key, which baton leaves alone.
    await seed(other, 'dc2', [{key: 'shc/lock', value: bytes('1'), flags: mutexFlags}])
    await isNamed('shc/lock', 'written')
    // The other replicator does not repair keys that other clients have changed.
    await seed(other, 'dc2', [{key: 'shc/k1', value: bytes('foreign')}])
    await isNamed('shc/k1', 'written')
    // The other replicator deletes everything when the source is empty.
    await other.kv.deleteTree('sh/', {datacenter: 'dc1'})
    await other.kv.deleteTree('shc/k')
    await isNamed('shc/k2', 'deleted')
    expect(found.find(({key}) => key === 'shc/k2')?.why).toMatch(/the source has no keys there/)
    expect(client.writes()).toEqual([])
  })
})
