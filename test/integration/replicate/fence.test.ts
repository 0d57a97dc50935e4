import {describe, expect, it} from 'vitest'
import {createMutex} from '../../../src/lock/mutex.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {bytes, contentOf, countingClient, seed} from './support.js'

describe.each(backends)('a replicator that depends on a lock, on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})

  it('writes while its session holds the lock, and neither writes nor deletes anything afterwards', async () => {
    await using client = countingClient(agent.addresses.get('dc2')!)
    await using hold = await createMutex(client, {prefix: 'fence/lock', fair: 'off'}).acquire()
    await seed(client, 'dc1', [
      {key: 'fence/a', value: bytes('1')},
      {key: 'fence/b', value: bytes('1')},
    ])
    const mappings = [parseMapping('fence/@dc1:fenced/')]
    const fence = {key: hold.key, session: hold.session}
    const replicator = createReplicator(client, {mappings, fence, maxDelete: 'off'})
    const [pass] = await replicator.runOnce()
    expect(pass).toMatchObject({written: 2, refused: []})
    const before = await contentOf(client, 'dc2', 'fenced/')
    await client.session.destroy(hold.session)
    await seed(client, 'dc1', [{key: 'fence/a', value: bytes('2')}])
    await expect(replicator.runOnce()).rejects.toMatchObject({code: 'BATON_LOCK_LOST'})
    await seed(client, 'dc1', [{key: 'fence/a', value: bytes('1')}])
    await client.kv.delete('fence/b', {datacenter: 'dc1'})
    await expect(replicator.runOnce()).rejects.toMatchObject({code: 'BATON_LOCK_LOST'})
    expect(await contentOf(client, 'dc2', 'fenced/')).toEqual(before)
  })

  it('ends its run when the lock is lost, even if the signal of the run has not aborted', async () => {
    await using client = countingClient(agent.addresses.get('dc2')!)
    await using hold = await createMutex(client, {prefix: 'fence2/lock', fair: 'off'}).acquire()
    await seed(client, 'dc1', [{key: 'fence2/a', value: bytes('1')}])
    const fence = {key: hold.key, session: hold.session}
    const replicator = createReplicator(client, {mappings: [parseMapping('fence2/@dc1:fenced2/')], fence})
    const controller = new AbortController()
    const ended = (async () => {
      for await (const _ of replicator.run({signal: controller.signal}));
    })()
    ended.catch(() => {})
    await waitUntil(async () => (await client.kv.get('fenced2/a')).value !== undefined, {what: 'the first copy'})
    await client.session.destroy(hold.session)
    await seed(client, 'dc1', [{key: 'fence2/a', value: bytes('2')}])
    await expect(ended).rejects.toMatchObject({code: 'BATON_LOCK_LOST'})
    expect((await client.kv.get('fenced2/a')).value?.value.toString()).toBe('1')
    controller.abort()
  })

  it('refuses values that are too large for a transaction, and copies the others', async () => {
    await using client = countingClient(agent.addresses.get('dc2')!)
    await using hold = await createMutex(client, {prefix: 'fence3/lock', fair: 'off'}).acquire()
    await client.kv.put('fence3/large', Buffer.alloc(450_000), {datacenter: 'dc1'})
    const pairs = Array.from({length: 130}, (_, at) => ({key: `fence3/${at}`, value: bytes(`${at}`)}))
    await seed(client, 'dc1', pairs)
    const fence = {key: hold.key, session: hold.session}
    const mappings = [parseMapping('fence3/@dc1:fenced3/')]
    const [pass] = await createReplicator(client, {mappings, fence}).runOnce()
    expect(pass).toMatchObject({written: 130, refused: [{key: 'fenced3/large'}]})
    expect(pass?.refused[0]?.reason).toMatch(/too large for a transaction/)
  })
})
