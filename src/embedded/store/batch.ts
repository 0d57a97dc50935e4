/** One command of the log: everything it writes carries one index, is undone as a whole, and wakes watchers at its end. */
export class Batch {
  readonly index: bigint
  readonly touched = new Set<string>()
  readonly touchedKeys = new Set<string>()
  /** Sorted lists of keys that went together. */
  readonly touchedRuns: (readonly string[])[] = []
  readonly #undo: (() => void)[] = []
  readonly #after: (() => void)[] = []

  constructor(index: bigint) {
    this.index = index
  }

  /** Registers how to take back a change that was just made. */
  undo(step: () => void): void {
    this.#undo.push(step)
  }

  /** Registers what happens once the batch is kept: timers, lock delays. */
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
