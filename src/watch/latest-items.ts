import type {WatchItem} from './value.js'

/**
 * Number of blocks (groups of consecutive items of a list) whose decoded items are kept. If two items in different
 * blocks change, four blocks are read: both blocks as they were before the change and as they are after it.
 */
const mostBlocks = 4

/**
 * Cache for the items of the blocks that were decoded last. For each change, the items of a changed block are read
 * about four times: to compare the answers, to check for hidden items, and to count the changes.
 */
export class LatestItems {
  readonly #kept = new Map<object, readonly WatchItem[]>()

  /** Returns the items of a block, which are decoded now unless they are in the cache. */
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
