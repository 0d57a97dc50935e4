import type {WatchItem} from './value.js'

/**
 * Number of blocks whose decoded items are kept. A change of two items in different blocks reads four blocks, two
 * before and two after it.
 */
const mostBlocks = 4

/**
 * Cache of the items of the blocks that were decoded last. For one change, the items of each changed block are read
 * about four times: to compare the answers, to check for hidden items, and to count changes.
 */
export class LatestItems {
  readonly #kept = new Map<object, readonly WatchItem[]>()

  /** Returns the items of a block, decoded now if they are not kept. */
  of(block: object, decode: () => readonly WatchItem[]): readonly WatchItem[] {
    const kept = this.#kept.get(block)
    if (kept) return kept
    const items = decode()
    this.#kept.set(block, items)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= mostBlocks) break
      this.#kept.delete(oldest)
    }
    return items
  }
}
