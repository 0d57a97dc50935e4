import {mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import type {ReplicatorOptions} from '../../../src/replicate/types.js'
import {releaseHolds} from '../../../src/replicate/undo/hold-store.js'
import {readJournal} from '../../../src/replicate/undo/read-journal.js'
import {undoPasses} from '../../../src/replicate/undo/undo-passes.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {bytes, countingClient, type Pair, seed} from './support.js'

const statusDir = 'undo-st'
const pairs = (prefix: string, count: number, value: string): readonly Pair[] =>
  Array.from({length: count}, (_, at) => ({
    key: `${prefix}${String(at).padStart(3, '0')}`,
    value: bytes(value),
    flags: 7n,
  }))

describe.each(backends)('undo of replication passes, on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})
  const open = () => countingClient(agent.addresses.get('dc2')!)
  let root = ''
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'baton-undo-'))
  })
  afterAll(() => rmSync(root, {recursive: true, force: true}))

  /**
   * Creates a mapping with keys whose second version was copied over the first one. A fifth of the keys was then
   * deleted.
   */
  async function prepare(client: ConsulClient, name: string) {
    const directory = join(root, name)
    const options: ReplicatorOptions = {
      mappings: [parseMapping(`${name}/@dc1:${name}-copy/`)],
      statusDir,
      maxDelete: 'off',
      undo: {directory},
      observer: () => {},
    }
    await seed(client, 'dc1', pairs(`${name}/`, 100, 'one'))
    const once = async () => (await createReplicator(client, options).runOnce())[0]!
    await once()
    await seed(client, 'dc1', pairs(`${name}/`, 100, 'two'))
    await once()
    const undo = async (isDryRun = false) => {
      const passes = await readJournal(directory)
      return undoPasses(client, {passes, statusDir, isDryRun, signal: new AbortController().signal})
    }
    const valuesOf = async () =>
      new Map((await client.kv.list(`${name}-copy/`)).value.map(({key, value}) => [key, value.toString()]))
    return {directory, options, once, undo, valuesOf}
  }

  it('restores overwritten and deleted keys, and no others', async () => {
    await using client = open()
    const {undo, once, valuesOf, directory} = await prepare(client, 'all')
    for (const key of ['all/001', 'all/002']) await client.kv.delete(key, {datacenter: 'dc1'})
    expect(await once()).toMatchObject({deleted: 2})
    await seed(client, 'dc2', [
      {key: 'all-copy/003', value: bytes('mine')},
      {key: 'all-copy/002', value: bytes('mine')},
    ])
    const planned = await undo(true)
    expect((await valuesOf()).get('all-copy/000'), 'a dry run writes nothing').toBe('two')
    const {keys, holdId} = await undo()
    expect(keys).toEqual(planned.keys)
    expect(holdId).toMatch(/^[0-9a-f]{8}$/)
    const stayed = keys.filter(({outcome}) => outcome !== 'restored').map(({key, outcome}) => `${key} ${outcome}`)
    expect(stayed.sort()).toEqual(['all-copy/002 changed', 'all-copy/003 changed'])
    const values = await valuesOf()
    expect(values.get('all-copy/001')).toBe('one')
    expect(values.get('all-copy/002')).toBe('mine')
    expect([...values.values()].filter(value => value === 'one')).toHaveLength(98)
    expect((await client.kv.get('all-copy/001')).value!.flags).toBe(7n)
    const names = readdirSync(directory)
    expect(names).toHaveLength(2)
    for (const name of names) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
  })

  it('stays in effect while a replicator runs, until the source changes a key or the hold on the keys is released', async () => {
    await using client = open()
    const {options, undo, valuesOf} = await prepare(client, 'run')
    const stop = new AbortController()
    const ended = (async () => {
      for await (const _ of createReplicator(client, options).run({signal: stop.signal}));
    })()
    await client.kv.delete('run/001', {datacenter: 'dc1'})
    await waitUntil(async () => (await valuesOf()).size === 99, {what: 'the delete is copied'})
    const {holdId, keys} = await undo()
    expect(keys.every(({outcome}) => outcome === 'restored')).toBe(true)
    // A later change at the source is copied once the replicator has read all keys.
    await seed(client, 'dc1', [
      {key: 'run/002', value: bytes('three')},
      {key: 'run/new', value: bytes('x')},
    ])
    await waitUntil(async () => (await valuesOf()).get('run-copy/002') === 'three', {what: 'the source changes a key'})
    await waitUntil(async () => (await valuesOf()).has('run-copy/new'), {what: 'new keys are copied'})
    await seed(client, 'dc2', [{key: 'run-copy/new', value: bytes('drift')}])
    await waitUntil(async () => (await valuesOf()).get('run-copy/new') === 'x', {what: 'the destination is read again'})
    const values = await valuesOf()
    expect([values.get('run-copy/001'), values.get('run-copy/000'), values.size]).toEqual(['one', 'one', 101])
    expect(await releaseHolds(client, {statusDir, id: holdId!})).toBe(1)
    await waitUntil(async () => (await valuesOf()).size === 100, {what: 'the delete is made again'})
    await waitUntil(async () => (await valuesOf()).get('run-copy/000') === 'two', {what: 'the value is copied again'})
    stop.abort()
    await ended
  })

  it('is obeyed by the next run, and is forgotten when the source has changed all restored keys', async () => {
    await using client = open()
    const {once, undo, valuesOf} = await prepare(client, 'next')
    await undo()
    expect(await once()).toMatchObject({written: 0, skipped: 100})
    expect((await valuesOf()).get('next-copy/000')).toBe('one')
    await seed(client, 'dc1', pairs('next/', 100, 'three'))
    expect(await once()).toMatchObject({written: 100})
    const left = (await client.kv.keys(`${statusDir}/baton/undone/`)).value
    expect(left.filter(key => key.includes('next'))).toEqual([])
  })

  it('restores nothing if a running replicator does not answer', async () => {
    await using client = open()
    const {valuesOf, options} = await prepare(client, 'deaf')
    const stop = new AbortController()
    // The test stops this replicator and then restores its status, which says that it is running.
    const run = createReplicator(client, options).run({signal: stop.signal})[Symbol.asyncIterator]()
    await run.next()
    const statuses = await client.kv.list(`${statusDir}/`)
    stop.abort()
    await run.return?.()
    for (const {key, value} of statuses.value) if (value.toString().includes('"deaf/"')) await client.kv.put(key, value)
    const passes = await readJournal(options.undo!.directory)
    const signal = new AbortController().signal
    await expect(undoPasses(client, {passes, statusDir, isDryRun: false, signal, answerMs: 300})).rejects.toMatchObject(
      {code: 'BATON_TIMEOUT', message: expect.stringContaining('does not answer')},
    )
    expect((await valuesOf()).get('deaf-copy/000')).toBe('two')
  })

  it('does not keep journal entries that are too old or too large, and does not prevent copying if it can keep none', async () => {
    await using client = open()
    const {directory, options, once} = await prepare(client, 'old')
    expect(await readJournal(directory)).toHaveLength(1)
    await seed(client, 'dc1', pairs('old/', 2, 'three'))
    await createReplicator(client, {...options, undo: {directory, keepMs: 0}}).runOnce()
    const kept = await readJournal(directory)
    expect(kept.map(({lines}) => lines.length)).toEqual([2])
    writeFileSync(join(directory, 'torn.undo'), readFileSync(join(directory, `${kept[0]!.pass}.undo`)).subarray(0, -40))
    expect((await readJournal(directory)).map(({lines}) => lines.length).sort()).toEqual([1, 2])
    await seed(client, 'dc1', pairs('old/', 2, 'four'))
    await createReplicator(client, {...options, undo: {directory, maxBytes: 10}}).runOnce()
    expect(await readJournal(directory)).toEqual([])
    await seed(client, 'dc1', pairs('old/', 2, 'five'))
    await createReplicator(client, {...options, undo: {directory: '/dev/null/x'}}).runOnce()
    expect(await once()).toMatchObject({written: 0, unchanged: 100})
  })
})
