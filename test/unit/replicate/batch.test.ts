import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {encodeTxn} from '../../../src/core/api/txn.js'
import {defaultLimits, learnLimit, toBatches, toWork, type Work} from '../../../src/replicate/pass/batch.js'

const set = (key: string, length: number, group?: bigint): Work =>
  toWork({verb: 'set', key, value: Buffer.alloc(length), flags: 2n ** 64n - 1n}, group, {})
const sizes = (batches: readonly (readonly Work[])[]): number[] => batches.map(batch => batch.length)

describe('splitting work into transactions', () => {
  it('puts 64 operations into each', () => {
    const work = Array.from({length: 129}, (_, at) => set(`k${at}`, 10, BigInt(at)))
    expect(sizes(toBatches(work, defaultLimits()))).toEqual([64, 64, 1])
  })

  it('keeps what was written together together, where a transaction can hold it', () => {
    const group = (from: number, count: number, index: bigint) =>
      Array.from({length: count}, (_, at) => set(`k${from + at}`, 1, index))
    expect(sizes(toBatches([...group(0, 40, 1n), ...group(40, 40, 2n)], defaultLimits()))).toEqual([40, 40])
    expect(sizes(toBatches(group(0, 65, 1n), defaultLimits()))).toEqual([64, 1])
  })

  it('never makes a body above the limit, whatever the names, values and scopes', () => {
    const name = fc.oneof(
      fc.string({minLength: 1, maxLength: 20}),
      fc.string({minLength: 1, maxLength: 5, unit: 'binary'}),
    )
    const item = fc.tuple(name, fc.nat(3000), fc.bigInt(0n, 3n))
    fc.assert(
      fc.property(fc.array(item, {maxLength: 100}), fc.string({maxLength: 10}), (items, namespace) => {
        const limits = {operations: 64, bytes: 8192}
        const scope = {namespace}
        const work = items.map(([key, length, group]) =>
          toWork({verb: 'set', key, value: Buffer.alloc(length), flags: 2n ** 64n - 1n}, group, scope),
        )
        const batches = toBatches(work, limits)
        // The same objects, so that no values are compared byte by byte.
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

  it('learns limits from what Consul says', () => {
    const limits = defaultLimits()
    const refused = Array.from({length: 64}, (_, at) => set(`k${at}`, 10))
    learnLimit(limits, 'Transaction contains too many operations (64 > 32)', refused)
    expect(limits.operations).toBe(32)
    learnLimit(limits, 'Request body(524289 bytes) too large, max size: 262144 bytes. See …', refused)
    expect(limits.bytes).toBe(262_144)
    learnLimit(limits, 'Payload too large', refused.slice(0, 20))
    expect(limits.operations).toBe(10)
  })
})
