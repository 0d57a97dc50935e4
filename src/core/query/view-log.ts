import type {Change} from './diff.js'

export interface Batch<Item> {
  readonly seq: number
  readonly changes: readonly Change<Item>[]
}

const mostBatches = 1000
const fewestChangesKept = 256

/**
 * The newest changes of a view. Readers keep numbers, not pointers, so that a stalled reader retains no memory.
 * Never keeps more changes than a snapshot would have: then the snapshot is cheaper.
 */
export class ViewLog<Item> {
  #batches: Batch<Item>[] = []
  #changeCount = 0
  /** Of the newest batch. */
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

  /** Forgets everything: no reader can continue from before. */
  cut(): void {
    this.headSeq += 1
    this.#batches = []
    this.#changeCount = 0
  }

  /** True when everything after `seq` is still here. */
  reaches(seq: number): boolean {
    return seq <= this.headSeq && seq >= this.headSeq - this.#batches.length
  }

  /** The batch after `seq`, which {@link reaches} must hold for; undefined at the head. */
  after(seq: number): Batch<Item> | undefined {
    return this.#batches[this.#batches.length - (this.headSeq - seq)]
  }
}
