/**
 * One command of the replicated log. All of its writes have the same index and can be undone together. They wake
 * watchers only when the command has ended.
 */
export class Batch {
  readonly index: bigint
  readonly touched = new Set<string>()
  readonly touchedKeys = new Set<string>()
  /** For each recursive delete, the deleted keys in order. */
  readonly touchedRuns: (readonly string[])[] = []
  readonly #undo: (() => void)[] = []
  readonly #after: (() => void)[] = []

  constructor(index: bigint) {
    this.index = index
  }

  /** Registers a function that undoes a change that was just made. */
  undo(step: () => void): void {
    this.#undo.push(step)
  }

  /** Registers an effect that runs when the batch is committed, such as a timer or a lock-delay. */
  after(step: () => void): void {
    this.#after.push(step)
  }

  touch(topic: string): void {
    this.touched.add(topic)
  }

  touchKey(key: string): void {
    this.touchedKeys.add(key)
  }

  touchRun(keys: readonly string[]): void {
    this.touchedRuns.push(keys)
  }

  rollBack(): void {
    for (const step of this.#undo.toReversed()) step()
  }

  finish(): void {
    for (const step of this.#after) step()
  }
}
