import type {WatchItem} from './value.js'

/** Number of blocks whose items are kept: a change of two items in different blocks reads four. */
const mostBlocks = 4

/**
 * Items of the blocks that were decoded last. One change reads the items of each changed block, before and after it,
 * about four times: to compare the answers, for the guard against hidden items, and to count changes.
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
