import {describe, expect, it} from 'vitest'
import {type BulkItem, defaultBulkLimits} from '../../../../src/core/bulk/pack.js'
import {type BulkOptions, sendBulk} from '../../../../src/core/bulk/send.js'
import {ConsulError, TransportError} from '../../../../src/core/errors.js'
import type {KvOperation, TxnResult} from '../../../../src/core/types.js'

const {signal: never} = new AbortController()
const sets = (count: number): BulkItem[] =>
  Array.from({length: count}, (_, at) => ({operation: {verb: 'set', key: `k${at}`, value: Buffer.from('v')}}))
const keysOf = (items: readonly BulkItem[]): string[] => items.map(({operation}) => operation.key)

type Answer = (keys: readonly string[]) => TxnResult | Error

/** Answers transactions with `answer`. Records all outcomes, and the keys of transactions and of single writes. */
function setUp(answer: Answer, options: Partial<BulkOptions<BulkItem>> = {}) {
  const record = {sent: [] as string[][], alone: [] as string[], committed: [] as string[], refused: [] as string[]}
  const client = {
    scope: {},
    txn: {
      commit: async (operations: readonly KvOperation[]) => {
        const keys = operations.map(operation => ('key' in operation ? operation.key : ''))
        record.sent.push(keys)
        const result = answer(keys)
        if (result instanceof Error) throw result
        return result
      },
    },
    kv: {put: async (key: string) => void record.alone.push(key)},
  } as unknown as BulkOptions<BulkItem>['client']
  const send = (items: Iterable<BulkItem>) =>
    sendBulk(items, {
      client,
      limits: defaultBulkLimits(),
      concurrency: 1,
      stop: never,
      onCommitted: done => record.committed.push(...keysOf(done)),
      handleRefused: ({operation}, error) => {
        record.refused.push(`${operation.key}: ${error.message}`)
        return 'continue'
      },
      ...options,
    })
  return {...record, send}
}

const committed: TxnResult = {committed: true, entries: [], sentAtMs: 0}
const refusal = (...errors: {opIndex: number; what: string}[]): TxnResult => ({committed: false, errors, sentAtMs: 0})
const tooLarge = new ConsulError('BATON_TOO_LARGE', 'too large', {status: 413, text: 'too large'})
const cut = new TransportError('BATON_CONNECT', 'connection reset')

describe('sending writes in bulk', () => {
  it('reads each of many items once, and lets other work run between transactions', async () => {
    let reads = 0
    let turns = 0
    function* counted(): Generator<BulkItem> {
      for (const item of sets(10_000)) {
        reads += 1
        yield item
      }
    }
    const run = setUp(() => committed)
    let isDone = false
    const turn = (): void => {
      turns += 1
      if (!isDone) setImmediate(turn)
    }
    setImmediate(turn)
    await run.send(counted())
    isDone = true
    expect(reads).toBe(10_000)
    expect(run.committed).toEqual(keysOf(sets(10_000)))
    expect(turns).toBeGreaterThanOrEqual(run.sent.length)
  })

  it('halves a transaction that is too large for Consul, and writes an item without a transaction if the item fits in none', async () => {
    const run = setUp(keys => (keys.includes('k3') ? tooLarge : committed))
    expect(await run.send(sets(8))).toBeUndefined()
    expect(run.alone).toEqual(['k3'])
    expect(run.committed).toEqual(keysOf(sets(8)))
  })

  it('never puts an item above the limit into a transaction', async () => {
    const run = setUp(() => committed)
    const [first, last] = sets(2)
    const large: BulkItem = {operation: {verb: 'set', key: 'large', value: Buffer.alloc(500_000)}}
    await run.send([first!, large, last!])
    expect(run.sent).toEqual([['k0'], ['k1']])
    expect(run.committed).toEqual(['k0', 'large', 'k1'])
  })

  it('reports a refused item, and sends the others', async () => {
    const run = setUp(keys => (keys.includes('k1') ? refusal({opIndex: keys.indexOf('k1'), what: 'no'}) : committed))
    await run.send(sets(4))
    expect(run.refused).toEqual(['k1: no'])
    expect(run.committed).toEqual(['k0', 'k2', 'k3'])
  })

  it('finds the refused item by halving the transaction if the answer does not name the item', async () => {
    const error = new ConsulError('BATON_HTTP', 'bad', {status: 400, text: 'bad'})
    const run = setUp(keys => (keys.includes('k2') ? error : committed))
    await run.send(sets(5))
    expect(run.refused).toEqual(['k2: bad'])
    expect(run.committed).toEqual(['k0', 'k1', 'k3', 'k4'])
  })

  it('sends nothing more if the handler of a refused item decides to stop', async () => {
    const run = setUp(keys => (keys.includes('k70') ? refusal({opIndex: 6, what: 'no'}) : committed), {
      handleRefused: () => 'stop',
    })
    await run.send(sets(200))
    expect(run.sent).toHaveLength(2)
    expect(run.committed).toHaveLength(64)
  })

  it('ends after as many failures in a row as there are concurrent requests, and returns the first failure', async () => {
    const run = setUp(() => cut, {concurrency: 3})
    const failure = await run.send(sets(640))
    expect(failure?.error).toBe(cut)
    expect(keysOf(failure?.items ?? [])).toEqual(keysOf(sets(64)))
    expect(run.sent).toHaveLength(3)
  })

  it('sends nothing more after the stop signal has aborted', async () => {
    const stop = new AbortController()
    const run = setUp(() => committed, {stop: stop.signal, onCommitted: () => stop.abort()})
    await run.send(sets(640))
    expect(run.sent).toHaveLength(1)
  })
})
