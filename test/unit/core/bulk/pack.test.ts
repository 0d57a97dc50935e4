import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {encodeTxn} from '../../../../src/core/api/txn.js'
import {
  type BulkItem,
  type BulkLimits,
  defaultBulkLimits,
  isOversized,
  learnLimits,
  packBatches,
  packSmaller,
} from '../../../../src/core/bulk/pack.js'
import {ConsulError} from '../../../../src/core/errors.js'

const flags = 2n ** 64n - 1n
const set = (key: string, length: number, group?: bigint): BulkItem => ({
  operation: {verb: 'set', key, value: Buffer.alloc(length), flags},
  group,
})
const sets = (count: number, length = 10): BulkItem[] =>
  Array.from({length: count}, (_, at) => set(`k${at}`, length, BigInt(at)))
const sizes = (items: readonly BulkItem[], limits: BulkLimits = defaultBulkLimits()): number[] =>
  [...packBatches(items, limits, {})].map(batch => batch.length)
const tooLarge = (text: string): ConsulError => new ConsulError('BATON_TOO_LARGE', text, {status: 413, text})

describe('packing writes into transactions', () => {
  it('puts at most 64 operations into a transaction', () => {
    expect(sizes(sets(129))).toEqual([64, 64, 1])
  })

  it('keeps each transaction below 512 kB, and puts a larger item into a batch of its own without changing the order', () => {
    expect(sizes(sets(10, 100_000))).toEqual([3, 3, 3, 1])
    const items = [...sets(2), set('large', 600_000), ...sets(2)]
    expect(sizes(items)).toEqual([2, 1, 2])
    expect(items.map(item => isOversized(item, defaultBulkLimits(), {}))).toEqual([false, false, true, false, false])
  })

  it('keeps keys with the same ModifyIndex in one transaction if they fit', () => {
    const group = (from: number, count: number, index: bigint) =>
      Array.from({length: count}, (_, at) => set(`k${from + at}`, 1, index))
    expect(sizes([...group(0, 40, 1n), ...group(40, 40, 2n)])).toEqual([40, 40])
    expect(sizes(group(0, 65, 1n))).toEqual([64, 1])
  })

  it("reads each item once, when the item's batch is requested", () => {
    let reads = 0
    function* counted(): Generator<BulkItem> {
      for (const item of sets(20_000)) {
        reads += 1
        yield item
      }
    }
    const batches = packBatches(counted(), defaultBulkLimits(), {})
    batches.next()
    expect(reads).toBeLessThanOrEqual(66)
    for (const _ of batches);
    expect(reads).toBe(20_000)
  })

  it('keeps the body within the limit for any names, values and scopes', () => {
    const name = fc.oneof(
      fc.string({minLength: 1, maxLength: 20}),
      fc.string({
        minLength: 1,
        maxLength: 5,
        unit: fc.constantFrom('"', '\\', '\0', '\n', '\u2028', 'é', '😀', '\ud800'),
      }),
    )
    const item = fc.tuple(name, fc.nat(3000), fc.bigInt(0n, 3n))
    fc.assert(
      fc.property(fc.array(item, {maxLength: 100}), fc.string({maxLength: 10}), (items, namespace) => {
        const limits = {operationCount: 64, bytes: 8192}
        const scope = {namespace}
        const work = items.map(([key, length, group]) => ({...set(key, length), group}))
        const batches = [...packBatches(work, limits, scope)]
        // Compares the identity of the items, because comparing their values byte by byte would be
        // slow.
        expect(batches.flat().map(each => work.indexOf(each))).toEqual(work.map((_, at) => at))
        for (const batch of batches) {
          expect(batch.length).toBeLessThanOrEqual(64)
          expect(
            encodeTxn(
              batch.map(each => each.operation),
              scope,
            ).byteLength,
          ).toBeLessThanOrEqual(limits.bytes)
        }
      }),
      {numRuns: 20},
    )
  })

  it("learns a server's limits from Consul's errors", () => {
    const limits = defaultBulkLimits()
    learnLimits(limits, tooLarge('Transaction contains too many operations (64 > 32)'), 64)
    expect(limits.operationCount).toBe(32)
    learnLimits(limits, tooLarge('Request body(524289 bytes) too large, max size: 262144 bytes. See …'), 32)
    expect(limits.bytes).toBe(262_144)
    learnLimits(limits, tooLarge('Payload too large'), 20)
    expect(limits.operationCount).toBe(10)
    learnLimits(limits, tooLarge('Payload too large'), 60)
    expect(limits.operationCount).toBe(10)
  })

  it('divides a refused batch according to the new limits, or in half if the limits have not changed', () => {
    const parts = (count: number): number[] =>
      packSmaller(sets(64), {operationCount: count, bytes: 524_288}, {}).map(part => part.length)
    expect(parts(20)).toEqual([20, 20, 20, 4])
    expect(parts(64)).toEqual([32, 32])
  })
})
