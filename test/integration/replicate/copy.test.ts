import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {NodeTransport} from '../../../src/core/http/node-transport.js'
import {formatMapping, parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {readStatuses} from '../../../src/replicate/status/read-statuses.js'
import {defaultStatusDir} from '../../../src/replicate/status/status-document.js'
import type {ReplicatorEvent, ReplicatorOptions} from '../../../src/replicate/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {FakeClock} from '../../kit/fake-clock.js'
import {raw} from '../../kit/raw-consul.js'
import {allBytes, bytes, contentOf, countingClient, indexesOf, oddNames, type Pair, seed, wideFlags} from './support.js'

describe.each(backends)('replication between two datacenters on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})
  const open = () => countingClient(agent.addresses.get('dc2')!)

  async function once(spec: string, options: Partial<ReplicatorOptions> = {}) {
    await using client = open()
    const replicator = createReplicator(client, {mappings: [parseMapping(spec)], ...options})
    const [pass] = await replicator.runOnce()
    return {pass: pass!, client}
  }

  it('copies 1000 keys exactly, with binary values, unusual names and 64-bit flags', async () => {
    await using client = open()
    const values = [0, 1, 2, 255, 1000].map(length => allBytes(length + 1, length))
    const odd: Pair[] = oddNames.map((name, at) => ({
      key: `copy/${name}`,
      value: values[at % values.length]!,
      flags: wideFlags[at % wideFlags.length]!,
    }))
    const many: Pair[] = Array.from({length: 1000 - odd.length - 2}, (_, at) => ({
      key: `copy/many/${at}`,
      value: allBytes(at, at % 300),
      flags: wideFlags[at % wideFlags.length]!,
    }))
    const big: Pair[] = [{key: 'copy/every-byte', value: Buffer.from(Array.from({length: 256}, (_, at) => at))}]
    await seed(client, 'dc1', [...odd, ...many])
    for (const pair of big) await seed(client, 'dc1', [pair])
    await client.kv.put('copy/large', allBytes(7, 524_288), {datacenter: 'dc1', flags: 2n ** 64n - 1n})
    const {pass} = await once('copy/@dc1:mirror/')
    expect(pass).toMatchObject({written: 1000, deleted: 0, refused: [], held: []})
    const source = await contentOf(client, 'dc1', 'copy/')
    expect(source.size).toBe(1000)
    expect(await contentOf(client, 'dc2', 'mirror/')).toEqual(source)
  })

  it('writes only its status key in a second run', async () => {
    await using client = open()
    await seed(
      client,
      'dc1',
      Array.from({length: 100}, (_, at) => ({key: `again/${at}`, value: bytes(`v${at}`)})),
    )
    await once('again/@dc1:again2/')
    const before = await indexesOf(client, 'dc2', 'again2/')
    const positionOf = async () => {
      const statuses = await readStatuses(client, defaultStatusDir)
      const {record, updatedAtMs} = statuses.find(({source}) => source === 'again/')!
      return {record, updatedAtMs}
    }
    const position = await positionOf()
    const second = await once('again/@dc1:again2/')
    expect(second.pass).toMatchObject({written: 0, deleted: 0, unchanged: 100})
    const others = second.client.writes().filter(({path}) => !path.startsWith(`/v1/kv/${defaultStatusDir}/`))
    expect(others).toEqual([])
    expect(await indexesOf(client, 'dc2', 'again2/')).toEqual(before)
    expect(await positionOf()).toEqual(position)
  })

  it('writes only keys that differ, and deletes keys that are missing at the source', async () => {
    await using client = open()
    await seed(
      client,
      'dc1',
      ['a', 'b', 'c', 'd'].map(key => ({key: `diff/${key}`, value: bytes(key), flags: 3n})),
    )
    await once('diff/@dc1')
    await client.kv.put('diff/a', bytes('foreign'), {datacenter: 'dc2'})
    await client.kv.put('diff/extra', bytes('x'), {datacenter: 'dc2'})
    await client.kv.delete('diff/b', {datacenter: 'dc2'})
    await client.kv.put('diff/c', bytes('c'), {datacenter: 'dc2', flags: 4n})
    const {pass} = await once('diff/@dc1')
    expect(pass).toMatchObject({written: 3, deleted: 1, unchanged: 1})
    expect(await contentOf(client, 'dc2', 'diff/')).toEqual(await contentOf(client, 'dc1', 'diff/'))
  })

  it('writes the status key with the fields of consul-replicate first', async () => {
    await using client = open()
    await seed(client, 'dc1', [{key: 'global/a', value: bytes('1')}])
    const {pass} = await once('global@dc1:backup')
    const status = await raw(agent.addresses.get('dc2')!).kvGet(
      'service/consul-replicate/statuses/b1fdb178ff4ad54ff5fbdc893919badd',
    )
    expect(status?.flags).toBe(0)
    expect(status?.value).toMatch(
      new RegExp(`^\\{\\n  "LastReplicated": ${pass.index},\\n  "Source": "global",\\n  "Destination": "backup",\\n`),
    )
    expect(JSON.parse(status!.value)).toMatchObject({Datacenter: 'dc1', Keys: 1, Version: 1})
  })

  it('matches prefixes and excludes even within a word, not only at slashes', async () => {
    await using client = open()
    const keys = ['glob', 'global/a', 'globalization', 'global/skip/x', 'glo', 'global/keep.lock']
    await seed(
      client,
      'dc1',
      keys.map(key => ({key: `bp/${key}`, value: bytes(key)})),
    )
    await seed(client, 'dc2', [{key: 'bp/d/obal/skip/mine', value: bytes('kept')}])
    await once('bp/glob@dc1:bp/d/ob', {excludes: ['bp/global/skip/'], excludeMatches: ['.lock']})
    const names = [...(await contentOf(client, 'dc2', 'bp/d/')).keys()]
    expect(names.sort()).toEqual(['ob', 'obal/a', 'obal/skip/mine', 'obalization'])
  })

  it('neither copies nor deletes the keys of locks, unless an option says so', async () => {
    await using client = open()
    const mutex = 0x2ddccbc058a50c18n
    await seed(client, 'dc1', [
      {key: 'locks/app/.lock', value: bytes('holder'), flags: mutex},
      {key: 'locks/app/config', value: bytes('1')},
      {key: 'locks/busy', value: bytes('theirs')},
    ])
    await seed(client, 'dc2', [{key: 'locks/busy', value: bytes('ours'), flags: mutex}])
    const {pass} = await once('locks/@dc1')
    expect(pass).toMatchObject({written: 1, deleted: 0, skipped: 2})
    expect([...(await contentOf(client, 'dc2', 'locks/')).keys()]).toEqual(['app/config', 'busy'])
    await once('locks/@dc1', {lockKeys: 'copy'})
    expect(await contentOf(client, 'dc2', 'locks/')).toEqual(await contentOf(client, 'dc1', 'locks/'))
  })

  it('never writes or deletes status keys, even below a destination that contains them', async () => {
    await using client = open()
    await seed(client, 'dc1', [
      {key: 'service/consul-replicate/statuses/theirs', value: bytes('dc1')},
      {key: 'service/web', value: bytes('1')},
    ])
    const options = {maxDelete: 'off'} as const
    await once('service/@dc1', options)
    const second = await once('service/@dc1', options)
    expect(second.pass).toMatchObject({written: 0, deleted: 0})
    const names = [...(await contentOf(client, 'dc2', 'service/')).keys()]
    expect(names).toContain('web')
    expect(names).not.toContain('consul-replicate/statuses/theirs')
    expect(names.filter(name => name.startsWith('consul-replicate/')).length).toBeGreaterThan(0)
  })

  it('lists every change in a preview, and makes none of them', async () => {
    await using client = open()
    await seed(
      client,
      'dc1',
      ['a', 'b'].map(key => ({key: `pre/${key}`, value: bytes(key)})),
    )
    await seed(client, 'dc2', [
      {key: 'pre/b', value: bytes('old')},
      {key: 'pre/z', value: bytes('z')},
    ])
    const counting = open()
    const mapping = parseMapping('pre/@dc1')
    const [preview] = await createReplicator(counting, {mappings: [mapping]}).preview()
    expect(preview?.changes).toEqual([
      {kind: 'create', key: 'pre/a', differs: undefined},
      {kind: 'update', key: 'pre/b', differs: 'value'},
      {kind: 'delete', key: 'pre/z', differs: undefined},
    ])
    expect(counting.writes()).toEqual([])
    await counting[Symbol.asyncDispose]()
    expect(formatMapping(mapping)).toBe('pre/@dc1 -> pre/')
  })

  it('copies between two clusters with independent addresses', async () => {
    await using source = countingClient(agent.addresses.get('dc1')!)
    await using client = open()
    await seed(client, 'dc1', [{key: 'indep/a', value: bytes('1')}])
    await createReplicator(client, {
      source,
      mappings: [parseMapping('indep/', {datacenterRequired: false})],
    }).runOnce()
    expect([...(await contentOf(client, 'dc2', 'indep/')).keys()]).toEqual(['a'])
  })

  it('does not report an outage while a long copy goes on', async () => {
    await using client = open()
    const pairs = Array.from({length: 8 * 64}, (_, at) => ({key: `long/${at}`, value: bytes(`${at}`)}))
    await seed(client, 'dc1', pairs)
    const clock = new FakeClock()
    await using slow = createClient({
      address: agent.addresses.get('dc2')!,
      clock,
      transport: options => {
        const inner = new NodeTransport(options)
        return {
          async send(request) {
            if (request.path.startsWith('/v1/txn')) await clock.advance(1000)
            return await inner.send(request)
          },
          [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
        }
      },
    })
    const events: ReplicatorEvent[] = []
    const observer = (event: ReplicatorEvent) => void events.push(event)
    const options = {mappings: [parseMapping('long/@dc1:longer/')], concurrency: 1, observer}
    const [pass] = await createReplicator(slow, options).runOnce()
    expect(pass).toMatchObject({written: pairs.length})
    expect(pass!.durationMs).toBeGreaterThan(1500)
    expect(events.filter(({type}) => /retrying|recovered/.test(type))).toEqual([])
  })

  it('copies one source to two destinations in one run', async () => {
    await using client = open()
    await seed(client, 'dc1', [{key: 'twice/a', value: bytes('1')}])
    const mappings = ['twice/@dc1:first/', 'twice/@dc1:second/'].map(spec => parseMapping(spec))
    const passes = await createReplicator(client, {mappings}).runOnce()
    expect(passes.map(pass => pass.written)).toEqual([1, 1])
    expect((await contentOf(client, 'dc2', 'first/')).size).toBe(1)
    expect((await contentOf(client, 'dc2', 'second/')).size).toBe(1)
  })

  it('refuses a mapping whose source and destination are the same', async () => {
    await expect(once('self/@dc2')).rejects.toThrow(/overlaps/)
    await expect(once('self/@dc2:self/copy/')).rejects.toThrow(/overlaps/)
  })
})
