import type {ViewEntry} from './types.js'

/** The entries of one answer, in its order. */
export interface Entries<Item> {
  readonly size: number
  values(): IterableIterator<ViewEntry<Item>>
}

/**
 * Consecutive entries of an answer. If two answers contain the same EntryBlock object, its entries are the same in
 * both.
 */
export interface EntryBlock<Item> {
  readonly size: number
  /** The entries. Each read of this property decodes them. */
  readonly entries: readonly ViewEntry<Item>[]
}

/**
 * The entries of a large list with unique keys, in blocks of consecutive entries. Blocks that two answers share are not
 * compared.
 */
export class BlockEntries<Item, Block extends EntryBlock<Item> = EntryBlock<Item>> implements Entries<Item> {
  readonly blocks: readonly Block[]

  constructor(blocks: readonly Block[]) {
    this.blocks = blocks
  }

  get size(): number {
    return this.blocks.reduce((sum, block) => sum + block.size, 0)
  }

  *values(): IterableIterator<ViewEntry<Item>> {
    for (const {entries} of this.blocks) yield* entries
  }

  [Symbol.iterator](): IterableIterator<ViewEntry<Item>> {
    return this.values()
  }

  /** Returns the entries of the blocks that the other answer does not contain. */
  without(other: BlockEntries<Item>): readonly ViewEntry<Item>[] {
    const shared = new Set<EntryBlock<Item>>(other.blocks)
    return this.blocks.filter(block => !shared.has(block)).flatMap(({entries}) => entries)
  }

  /** True if both answers have the same blocks, or have matching entries in the same order. */
  isLike(other: BlockEntries<Item>, areAlike: (entry: ViewEntry<Item>, of: ViewEntry<Item>) => boolean): boolean {
    if (this.size !== other.size) return false
    const [ours, theirs] = [this.blocks.values(), other.blocks.values()]
    let mine: readonly ViewEntry<Item>[] = []
    let its: readonly ViewEntry<Item>[] = []
    for (;;) {
      if (mine.length === 0 || its.length === 0) {
        const [our, their] = [mine.length === 0 && ours.next().value, its.length === 0 && theirs.next().value]
        if (our && our === their) continue
        if (our) mine = our.entries
        if (their) its = their.entries
        if (mine.length === 0 || its.length === 0) return mine.length === its.length
      }
      const most = Math.min(mine.length, its.length)
      for (let at = 0; at < most; at += 1) {
        const [entry, of] = [mine[at], its[at]]
        if (entry && of && !areAlike(entry, of)) return false
      }
      mine = mine.slice(most)
      its = its.slice(most)
    }
  }
}

/** Returns the entries by key. Entries that are already in blocks are returned unchanged. */
export function toEntries<Item>(list: Iterable<ViewEntry<Item>>): Entries<Item> {
  return list instanceof BlockEntries ? (list as BlockEntries<Item>) : byKey(list)
}

/** Returns the entries of both answers by key, without those in blocks that both answers contain. */
export function apart<Item>(
  before: Entries<Item>,
  after: Entries<Item>,
): readonly [before: ReadonlyMap<string, ViewEntry<Item>>, after: ReadonlyMap<string, ViewEntry<Item>>] {
  if (before instanceof BlockEntries && after instanceof BlockEntries) {
    const [old, now] = [before as BlockEntries<Item>, after as BlockEntries<Item>]
    return [byKey(old.without(now)), byKey(now.without(old))]
  }
  return [asMap(before), asMap(after)]
}

const asMap = <Item>(entries: Entries<Item>): ReadonlyMap<string, ViewEntry<Item>> =>
  entries instanceof Map ? (entries as ReadonlyMap<string, ViewEntry<Item>>) : byKey(entries.values())

function byKey<Item>(list: Iterable<ViewEntry<Item>>): ReadonlyMap<string, ViewEntry<Item>> {
  const entries = new Map<string, ViewEntry<Item>>()
  for (const entry of list) entries.set(entry.key, entry)
  return entries
}
