import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {ListBlocks, type ListText} from '../../../../src/core/api/list-blocks.js'

type Item = Readonly<Record<string, unknown>>

class Block {
  readonly raw: Buffer
  readonly items: readonly Item[]

  constructor({json, raw}: ListText) {
    this.raw = raw
    this.items = JSON.parse(json) as readonly Item[]
  }
}

const openList = (): ListBlocks<Block> => new ListBlocks(text => new Block(text))
/** Returns the JSON of a list as Consul writes it; with `indent`, as Consul writes it in development mode. */
const bytesOf = (items: readonly Item[], indent?: string): Buffer =>
  Buffer.from(indent === undefined ? JSON.stringify(items) : `${JSON.stringify(items, null, indent)}\n`)
const itemsOf = (blocks: readonly Block[] | undefined): readonly Item[] | undefined =>
  blocks?.flatMap(({items}) => items)
const entry = (key: number, Value = 'v'): Item => ({LockIndex: 0, Key: `k${key}`, Value: Value.padEnd(90, '.')})
const manyItems = (count: number): Item[] => Array.from({length: count}, (_, at) => entry(at))

// Includes values that contain the text at which answers are divided, and values that resemble each other.
const text = fc.oneof(fc.constantFrom('a', 'aa', '},{"LockIndex":', '"}]', '\\', 'é', '😀', '\u2028<&>'), fc.string())
const short = fc.record({LockIndex: fc.nat(3), Key: text, Value: fc.option(text)})
const long = fc.record({LockIndex: fc.nat(3), Key: text, Value: fc.nat(12_000).map(count => 'x'.repeat(count))})

describe('the blocks of JSON into which a list answer is divided', () => {
  it('contain the same items as the whole answer, whatever changes between two answers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.oneof(short, long), {maxLength: 12}), {maxLength: 5}),
        fc.constantFrom(undefined, '    ', '\t'),
        (answers, indent) => {
          const list = openList()
          for (const answer of answers) {
            const blocks = list.divide(bytesOf(answer, indent))
            if (answer.length === 0) expect(blocks).toBeUndefined()
            else expect(itemsOf(blocks)).toEqual(answer)
          }
        },
      ),
    )
  })

  it('contain the same items after any series of insertions, changes and deletions in a large list', () => {
    const edit = fc.record({at: fc.nat(999), remove: fc.nat(60), insert: fc.nat(60)})
    fc.assert(
      fc.property(fc.array(fc.array(edit, {maxLength: 4}), {maxLength: 6}), fc.boolean(), (rounds, isIndented) => {
        const list = openList()
        const items = manyItems(400)
        const indent = isIndented ? '    ' : undefined
        list.divide(bytesOf(items, indent))
        for (const [round, edits] of rounds.entries()) {
          for (const {at, remove, insert} of edits) {
            const added = Array.from({length: insert}, (_, number) => entry(number, `round ${round}`))
            items.splice(at % (items.length + 1), remove, ...added)
          }
          if (items.length === 0) items.push(entry(0))
          const blocks = list.divide(bytesOf(items, indent))
          expect(itemsOf(blocks)).toEqual(items)
        }
      }),
      {numRuns: 50},
    )
  })

  it.each([
    ['an insertion', (items: Item[]) => items.splice(700, 0, entry(1, 'new'))],
    ['a change', (items: Item[]) => items.splice(700, 1, entry(700, 'new'))],
    ['a deletion', (items: Item[]) => items.splice(700, 1)],
    ['a deletion of many items', (items: Item[]) => items.splice(300, 400)],
    [
      'changes at both ends',
      (items: Item[]) => [items.splice(0, 1, entry(0, 'n')), items.splice(-1, 1, entry(9, 'n'))],
    ],
  ])('are reused, except for the few around %s', (_, edit) => {
    for (const indent of [undefined, '    ']) {
      const list = openList()
      const items = manyItems(1000)
      const before = new Set(list.divide(bytesOf(items, indent)))
      edit(items)
      const after = list.divide(bytesOf(items, indent)) ?? []
      expect(itemsOf(after)).toEqual(items)
      expect(after.filter(block => !before.has(block)).length).toBeLessThanOrEqual(3)
    }
  })

  it('keep their usual size after many insertions and deletions', () => {
    const list = openList()
    const items = manyItems(1000)
    list.divide(bytesOf(items))
    for (let round = 0; round < 300; round += 1) {
      items.splice((round * 37) % items.length, 1)
      items.splice((round * 91) % items.length, 0, entry(round, 'new'), entry(round, 'newer'))
      list.divide(bytesOf(items))
    }
    const sizes = (list.divide(bytesOf(items)) ?? []).map(({raw}) => raw.length)
    expect(Math.max(...sizes)).toBeLessThan(17_000)
    expect(sizes.reduce((sum, size) => sum + size, 0) / sizes.length).toBeGreaterThan(4000)
  })

  it("keep their items even if the answer's memory is overwritten", () => {
    const list = openList()
    const answer = bytesOf(manyItems(200))
    const blocks = list.divide(answer)
    answer.fill(0)
    expect(itemsOf(blocks)).toEqual(manyItems(200))
    expect(new Set(list.divide(bytesOf(manyItems(200))))).toEqual(new Set(blocks))
  })

  it.each([
    '',
    '[]',
    'null',
    '{}',
    '[{"Key":}]',
    '[{"Key":"a"}',
    '[{"Key":"a"},{"Key":}]',
    ' [{"Key":"a"}]',
    '[ {"Key":"a"}]',
    '[1]',
  ])('are not made from the answer %s', answer => {
    expect(openList().divide(Buffer.from(answer))).toBeUndefined()
  })

  it('are not affected by an earlier answer that could not be divided', () => {
    const list = openList()
    const answer = Buffer.from('[{"Key":"a"},{"Key":"b"}]')
    const before = list.divide(answer)
    expect(list.divide(Buffer.from('[{"Key":'))).toBeUndefined()
    expect(list.divide(answer)).toEqual(before)
  })

  it('contain only whole items, even if an item contains a list', () => {
    const nested = (count: number): Item => ({A: Array.from({length: count}, () => ({A: 'x'.repeat(5000)}))})
    const list = openList()
    for (const items of [
      [nested(5), nested(1)],
      [nested(1), nested(5)],
      [{A: 1}, nested(3)],
    ]) {
      const blocks = list.divide(bytesOf(items))
      if (blocks) expect(itemsOf(blocks)).toEqual(items)
    }
  })
})
