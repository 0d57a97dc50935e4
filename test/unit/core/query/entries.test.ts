import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {diffEntries, goneKeys, hasGone} from '../../../../src/core/query/diff.js'
import {BlockEntries, type EntryBlock, toEntries} from '../../../../src/core/query/entries.js'
import type {ViewEntry} from '../../../../src/core/query/types.js'

type Item = string

/** A block of entries that counts how often they are read. */
class Block implements EntryBlock<Item> {
  readonly size: number
  reads = 0
  readonly #entries: readonly ViewEntry<Item>[]

  constructor(entries: readonly ViewEntry<Item>[]) {
    this.#entries = entries
    this.size = entries.length
  }

  get entries(): readonly ViewEntry<Item>[] {
    this.reads += 1
    return this.#entries
  }
}

const entry = (key: number, version: number): ViewEntry<Item> => ({
  key: String(key),
  version: BigInt(version),
  item: `${key} ${version}`,
})
const blockOf = (first: number, version: number): Block =>
  new Block(Array.from({length: 3}, (_, at) => entry(3 * first + at, version)))

describe('list entries that are stored in blocks', () => {
  it('yield the same differences as entries in a map, whichever blocks two answers share', () => {
    // Block n contains the keys 3n to 3n+2, in one of two versions.
    const pool = [0, 1, 2, 3, 4, 5].map(first => [blockOf(first, 1), blockOf(first, 2)] as const)
    const answer = fc.array(fc.option(fc.nat(1)), {minLength: 6, maxLength: 6})
    fc.assert(
      fc.property(answer, answer, fc.boolean(), (before, after, isSuspicious) => {
        const [old, now] = [before, after].map(
          choice => new BlockEntries(choice.flatMap((version, at) => pool[at]?.[version ?? 2] ?? [])),
        )
        if (!old || !now) throw new Error('two answers')
        const [oldMap, newMap] = [toEntries(old.values()), toEntries(now.values())]
        expect(diffEntries(old, now, isSuspicious)).toEqual(diffEntries(oldMap, newMap, isSuspicious))
        expect(hasGone(old, now)).toBe(hasGone(oldMap, newMap))
        expect(goneKeys(old, now)).toEqual(goneKeys(oldMap, newMap))
        expect([now.size, [...now].length]).toEqual([newMap.size, newMap.size])
      }),
    )
  })

  it('are not read for a comparison if two answers share the block that contains them', () => {
    const shared = blockOf(0, 1)
    const [before, after] = [new BlockEntries([shared, blockOf(1, 1)]), new BlockEntries([shared, blockOf(1, 2)])]
    expect(diffEntries(before, after, true).changes).toHaveLength(3)
    expect(hasGone(before, after)).toBe(false)
    expect(before.isLike(after, (a, b) => a.version === b.version)).toBe(false)
    expect(shared.reads).toBe(0)
  })

  it('equal other entries with the same items in the same order, however both are divided into blocks', () => {
    const entries = [0, 1, 2, 3, 4, 5, 6].map(key => entry(key, 1))
    const cuts = fc.uniqueArray(fc.integer({min: 1, max: 6}))
    const divide = (at: readonly number[]): BlockEntries<Item> => {
      const ends = [...at, entries.length].sort((a, b) => a - b)
      return new BlockEntries(ends.map((end, part) => new Block(entries.slice(ends[part - 1] ?? 0, end))))
    }
    fc.assert(
      fc.property(cuts, cuts, (ours, theirs) => {
        const seen: string[] = []
        const isSame = divide(ours).isLike(divide(theirs), (a, b) => seen.push(a.key) > 0 && a.key === b.key)
        expect([isSame, seen.length]).toEqual([true, entries.length])
      }),
    )
  })
})
