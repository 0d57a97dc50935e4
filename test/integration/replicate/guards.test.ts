import {describe, expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import type {ReplicatorOptions} from '../../../src/replicate/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {bytes, contentOf, countingClient, seed} from './support.js'

const pairs = (prefix: string, count: number) =>
  Array.from({length: count}, (_, at) => ({key: `${prefix}${at}`, value: bytes(String(at))}))

describe.each(backends)('the guards on deletes, on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})
  const open = () => countingClient(agent.addresses.get('dc2')!)

  type OnceOptions = Partial<ReplicatorOptions> & {readonly destination?: ConsulClient}
  async function once(spec: string, {destination, ...options}: OnceOptions = {}) {
    await using client = open()
    const replicator = createReplicator(destination ?? client, {mappings: [parseMapping(spec)], ...options})
    const [pass] = await replicator.runOnce()
    return pass!
  }

  it('permit no delete if the source is empty or mistyped, and report the deletes that they hold back', async () => {
    await using client = open()
    await seed(client, 'dc2', pairs('empty/', 3))
    const pass = await once('emtpy/@dc1:empty/')
    expect(pass.deleted).toBe(0)
    expect(pass.held).toHaveLength(1)
    const [held] = pass.held
    expect(held).toMatchObject({reason: 'empty-source', count: 3, sample: ['empty/0', 'empty/1', 'empty/2']})
    expect(held?.message).toBe(
      `replicate emtpy/@dc1 -> empty/: 3 deletes held: the source has no keys there: empty/0, empty/1, empty/2`,
    )
    expect((await contentOf(client, 'dc2', 'empty/')).size).toBe(3)
  })

  it('judge by the current keys at the destination, not by the old state of a restarted leader', async () => {
    await using client = open()
    await seed(client, 'dc1', [{key: 'now/a', value: bytes('1')}])
    await seed(client, 'dc2', [{key: 'past/a', value: bytes('2')}])
    const headers = {'x-consul-index': '5', 'x-consul-knownleader': 'true', 'x-consul-lastcontact': '0'}
    const entry = {Key: 'past/a', Value: Buffer.from('1').toString('base64'), Flags: 0, LockIndex: 0}
    const body = [{...entry, CreateIndex: 5, ModifyIndex: 5}]
    await using proxy = await HttpProxy.start(agent.addresses.get('dc2')!)
    proxy.on({path: '/v1/kv/past/'}, request => (request.path.includes('consistent') ? 'pass' : {headers, body}))
    await using destination = countingClient(proxy.address)
    expect((await once('now/@dc1:past/', {destination})).written).toBe(1)
    expect(await contentOf(client, 'dc2', 'past/')).toEqual(await contentOf(client, 'dc1', 'now/'))
  })

  it('permit the deletes of an approved set, and no others', async () => {
    await using client = open()
    await seed(client, 'dc2', pairs('app/', 3))
    const [held] = (await once('gone/@dc1:app/')).held
    await seed(client, 'dc2', [{key: 'app/later', value: bytes('x')}])
    expect((await once('gone/@dc1:app/')).held).toMatchObject([
      {id: held!.id, count: 3},
      {reason: 'empty-source', count: 1},
    ])
    expect(await once('gone/@dc1:app/', {approved: ['00000000']})).toMatchObject({deleted: 0})
    expect(await once('gone/@dc1:app/', {approved: [held!.id]})).toMatchObject({deleted: 3, held: [{count: 1}]})
    expect([...(await contentOf(client, 'dc2', 'app/')).keys()]).toEqual(['later'])
  })

  it('accept an approval only once, and hold back the same deletes if they occur again', async () => {
    await using client = open()
    const mappings = [parseMapping('gone/@dc1:again/')]
    await seed(client, 'dc2', pairs('again/', 3))
    const [held] = (await once('gone/@dc1:again/')).held
    const replicator = createReplicator(client, {mappings, approved: [held!.id]})
    expect(await replicator.runOnce()).toMatchObject([{deleted: 3, held: []}])
    await seed(client, 'dc2', pairs('again/', 3))
    expect(await replicator.runOnce()).toMatchObject([{deleted: 0, held: [{id: held!.id}]}])
  })

  it('hold back deletes above the limit, while other keys are still written', async () => {
    await using client = open()
    await seed(client, 'dc1', pairs('lim/', 150))
    await seed(client, 'dc2', pairs('lim/x', 16))
    const pass = await once('lim/@dc1')
    expect(pass).toMatchObject({written: 150, deleted: 0, held: [{reason: 'limit', count: 16}]})
    // A tenth of 166 keys is 16. Deletes that are already held back stay held back.
    const again = await once('lim/@dc1')
    expect(again).toMatchObject({written: 0, deleted: 0, held: [{id: pass.held[0]!.id, count: 16}]})
    expect(await once('lim/@dc1', {approved: [again.held[0]!.id]})).toMatchObject({deleted: 16, held: []})
  })

  it('permit no delete if deletes are turned off', async () => {
    await using client = open()
    await seed(client, 'dc1', pairs('add/', 1))
    await seed(client, 'dc2', [{key: 'add/mine', value: bytes('1')}])
    expect(await once('add/@dc1', {canDelete: false})).toMatchObject({written: 1, deleted: 0, held: []})
    expect((await contentOf(client, 'dc2', 'add/')).size).toBe(2)
  })
})
