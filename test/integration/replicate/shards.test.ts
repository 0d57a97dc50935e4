import {describe, expect, it, onTestFinished} from 'vitest'
import {approveHeld} from '../../../src/replicate/held/approval.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {defaultStatusDir} from '../../../src/replicate/status/status-document.js'
import type {ReplicationPass, ReplicatorOptions} from '../../../src/replicate/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {bytes, contentOf, countingClient, oddNames, seed} from './support.js'

const folders = 30
const perFolder = 20

describe.each(backends)('replication with one blocking query for each part of a mapping, on $name', backend => {
  // Consul counts the connection of a blocking query until the query's wait time ends, even if the client has closed
  // it. Together, the tests in this file would reach the default limit of 200.
  const limits = {http_max_conns_per_client: 1000}
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2'], config: {limits}})
  const address = () => agent.addresses.get('dc2')!

  /**
   * Replicates `NAME/` to `NAME-copy/` (or the same prefixes without slashes) with one query for each part of the keys.
   */
  async function follow(name: string, options: Partial<ReplicatorOptions> & {readonly slash?: string} = {}) {
    const {slash = '/', ...more} = options
    const [from, to] = [`${name}${slash}`, `${name}-copy${slash}`]
    const [reader, client] = [countingClient(address()), countingClient(address())]
    const pairs = Array.from({length: folders * perFolder}, (_, at) => ({
      key: `${from}f${at % folders}/key-${at}`,
      value: bytes(`${at}`),
    }))
    await seed(reader, 'dc1', pairs)
    const controller = new AbortController()
    const passes: ReplicationPass[] = []
    const shards = {shardAbove: 0, auditEveryMs: 3_600_000, waitMs: 20_000}
    const replicator = createReplicator(client, {mappings: [parseMapping(`${from}@dc1:${to}`)], ...shards, ...more})
    const ended = (async () => {
      for await (const pass of replicator.run({signal: controller.signal})) passes.push(pass)
    })()
    onTestFinished(async () => {
      controller.abort()
      await ended
      await Promise.all([client, reader].map(each => each[Symbol.asyncDispose]()))
    })
    const areEqual = async (): Promise<boolean> => {
      const [there, here] = [await contentOf(reader, 'dc1', from), await contentOf(reader, 'dc2', to)]
      return there.size > 0 && JSON.stringify([...there]) === JSON.stringify([...here])
    }
    const equal = (what: string) =>
      waitUntil(areEqual, {what: `both sides to be equal after ${what}`, timeoutMs: 50_000})
    await equal('the first copy')
    const parked = () => client.requests.filter(({path}) => path.includes('separator=') && path.includes('index='))
    await waitUntil(() => parked().length > 9, {what: 'queries for the parts'})
    return {from, to, reader, client, passes, equal, replicator}
  }

  it('reads one part of the source and one of the destination for a change, and never a list of all keys', async () => {
    const {from, to, reader, client, equal} = await follow('cost')
    const before = client.requests.length
    await seed(reader, 'dc1', [{key: `${from}f3/key-3`, value: bytes('new')}])
    await equal('a change')
    const sent = client.requests.slice(before).map(({path}) => path)
    const lists = [from, to].map(prefix => new RegExp(`/v1/kv/${prefix}[?].*(recurse|keys(?!&separator))`))
    expect(sent.filter(path => lists.some(list => list.test(path)))).toEqual([])
  })

  it('sends queries with a short wait time first, because an agent counts the query of a killed process until that time ends', async () => {
    const {client} = await follow('wait')
    const paths = client.requests.map(({path}) => path).filter(path => path.includes('/wait/f'))
    const waits = paths.flatMap(path => path.match(/wait=\w+/g) ?? [])
    expect(new Set(waits)).toEqual(new Set(['wait=5000ms']))
  })

  it('finds new keys anywhere, and their later changes and deletes', async () => {
    const {from, reader, equal} = await follow('new')
    const names = ['', 'direct', 'f3', 'f3/another', 'f3x', 'f100/first', 'other/a', 'other/b/c/d', 'deep/1/2/3']
    for (const name of names) await seed(reader, 'dc1', [{key: from + name, value: bytes('1')}])
    await equal('new keys')
    for (const name of names) await seed(reader, 'dc1', [{key: from + name, value: bytes('2')}])
    await equal('their change')
    for (const name of names) await reader.txn.commit([{verb: 'delete', key: from + name}], {datacenter: 'dc1'})
    await equal('their delete')
    await seed(
      reader,
      'dc1',
      names.map(name => ({key: from + name, value: bytes('3')})),
    )
    await equal('their return')
  })

  it('copies keys with unusual names in a divided folder, with their changes and deletes', async () => {
    const {from, reader, equal} = await follow('odd')
    const all = oddNames.flatMap(name => [`${from}${name}`, `${from}f1/${name}`])
    const many = Array.from({length: 300}, (_, at) => `${from}f1/${at}`)
    for (const value of ['1', '2']) {
      await seed(
        reader,
        'dc1',
        [...all, ...many].map(key => ({key, value: bytes(value)})),
      )
      await equal(`writing ${value}`)
    }
    for (const key of all.slice(0, 9)) await reader.txn.commit([{verb: 'delete', key}], {datacenter: 'dc1'})
    await equal('some deletes')
  })

  it('repairs keys that other clients write or delete at the destination, even keys that are in no part', async () => {
    const {to, reader, equal} = await follow('drift')
    await seed(reader, 'dc2', [
      {key: `${to}f1/key-1`, value: bytes('foreign')},
      {key: `${to}foreign`, value: bytes('foreign')},
    ])
    await equal('foreign writes')
    await reader.kv.deleteTree(`${to}f1`)
    await equal('a foreign delete')
  })

  it('notices that a folder was deleted with its parent, even if keys in the folder had been deleted before', async () => {
    const {from, reader, equal} = await follow('tombs', {maxDelete: 'off'})
    for (const folder of ['f10', 'f11', 'f12'])
      await reader.kv.delete(`${from}${folder}/key-${folder.slice(1)}`, {datacenter: 'dc1'})
    await equal('some deletes')
    await reader.kv.deleteTree(`${from}f1`, {datacenter: 'dc1'})
    await equal('the delete of a shorter prefix')
  })

  it('holds back the deletes of a recursive delete across many parts as one set', async () => {
    const {from, to, reader, client, passes, replicator} = await follow('wipe')
    await reader.kv.deleteTree(`${from}f1`, {datacenter: 'dc1'})
    await waitUntil(() => passes.some(({held}) => held.length > 0), {what: 'the deletes to be held'})
    // The folders f1 and f10 to f19.
    expect(passes.find(({held}) => held.length > 0)?.held).toMatchObject([{reason: 'limit', count: 11 * perFolder}])
    await seed(reader, 'dc1', [{key: `${from}f2/key-2`, value: bytes('new')}])
    await waitUntil(async () => (await reader.kv.get(`${to}f2/key-2`)).value?.value.toString() === 'new', {
      what: 'a change',
    })
    await waitUntil(() => passes.at(-1)?.written === 1, {what: 'its pass'})
    expect(passes.at(-1)?.held, 'they stay held in later passes').toMatchObject([{count: 11 * perFolder}])
    expect(replicator.status()).toMatchObject([{held: 11 * perFolder}])
    expect((await contentOf(reader, 'dc2', to)).size).toBe(folders * perFolder)
    expect(client.writes().some(({body}) => String(body && Buffer.from(body)).includes('"delete"'))).toBe(false)
  })

  it('counts what is still held after one of two sets was approved', async () => {
    const {from, to, reader, passes, replicator} = await follow('two')
    await reader.kv.deleteTree(`${from}f1`, {datacenter: 'dc1'})
    await waitUntil(() => passes.at(-1)?.held[0]?.isKept, {what: 'a set that can be approved'})
    const {id} = passes.at(-1)!.held[0]!
    await reader.kv.deleteTree(`${from}f2`, {datacenter: 'dc1'})
    await waitUntil(() => replicator.status()[0]?.held === 22 * perFolder, {what: 'more deletes to be held'})
    await approveHeld(reader, {id, statusDir: defaultStatusDir})
    await waitUntil(() => replicator.status()[0]?.held === 11 * perFolder, {what: 'the rest to be counted'})
    expect((await contentOf(reader, 'dc2', to)).size).toBe((folders - 11) * perFolder)
  })

  it('once the source has keys again, makes the deletes that were held back because the source was empty', async () => {
    const {from, reader, passes, equal} = await follow('refill', {maxDelete: 'off'})
    await reader.kv.deleteTree(from, {datacenter: 'dc1'})
    const isHeld = (): boolean => passes.some(({held}) => held.some(({reason}) => reason === 'empty-source'))
    await waitUntil(isHeld, {what: 'the deletes to be held'})
    await seed(reader, 'dc1', [{key: `${from}f2/key-2`, value: bytes('again')}])
    await equal('the first key')
  })

  it('copies a prefix that does not end with a slash', async () => {
    const {from, reader, equal} = await follow('byte', {slash: ''})
    await seed(reader, 'dc1', [
      {key: `${from}f1/key-1`, value: bytes('2')},
      {key: `${from}2/x`, value: bytes('1')},
      {key: from, value: bytes('1')},
    ])
    await equal('a change and new keys')
  })
})
