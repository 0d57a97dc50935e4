import type {Change} from './diff.js'

export interface Batch<Item> {
  readonly seq: number
  readonly changes: readonly Change<Item>[]
}

const mostBatches = 1000
const fewestChangesKept = 256

/**
 * The newest changes of a view. Readers keep their position as a number, so that a slow reader keeps no
 * memory in use. If the log holds more changes than a snapshot has items, it drops the oldest, because
 * sending a new snapshot is then cheaper.
 */
export class ViewLog<Item> {
  #batches: Batch<Item>[] = []
  #changeCount = 0
  /** `seq` of the newest batch of changes. */
  headSeq = 0

  append(changes: readonly Change<Item>[], snapshotSize: number): void {
    this.headSeq += 1
    this.#batches.push({seq: this.headSeq, changes})
    this.#changeCount += changes.length
    const mostChanges = Math.max(fewestChangesKept, snapshotSize)
    while (this.#batches.length > mostBatches || this.#changeCount > mostChanges) {
      const oldest = this.#batches.shift()
      this.#changeCount -= oldest?.changes.length ?? 0
    }
  }

  /** Discards all changes, so that every reader starts again with a snapshot. */
  cut(): void {
    this.headSeq += 1
    this.#batches = []
    this.#changeCount = 0
  }

  /** True if the log still contains all changes after `seq`. */
  reaches(seq: number): boolean {
    return seq <= this.headSeq && seq >= this.headSeq - this.#batches.length
  }

  /**
   * Returns the batch of changes after `seq`, or undefined if `seq` is the newest. Call it only if {@link reaches} is
   * true for `seq`.
   */
  after(seq: number): Batch<Item> | undefined {
    return this.#batches[this.#batches.length - (this.headSeq - seq)]
  }
}
