import type {Clock} from '../../core/types.js'
import type {ReadAgain} from './pending-deletes.js'

/** Names of source keys that are to be read again, each with the time at which it is due. */
export class Retries {
  readonly #clock: Clock
  readonly #dueMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(names: Iterable<string>, afterMs: number): void {
    const dueMs = this.#clock.monotonicMs() + afterMs
    for (const name of names) this.#dueMs.set(name, dueMs)
  }

  /** Adds destination keys, under their names at the source. */
  addAgain(again: ReadAgain | undefined, toSource: (key: string) => string): void {
    if (again) this.add(again.keys.map(toSource), again.afterMs)
  }

  /** Removes and returns the names that are due. */
  due(): readonly string[] {
    const nowMs = this.#clock.monotonicMs()
    return [...this.#dueMs].filter(([, dueMs]) => dueMs <= nowMs).map(([name]) => name)
  }

  remove(names: Iterable<string>): void {
    for (const name of names) this.#dueMs.delete(name)
  }

  clear(): void {
    this.#dueMs.clear()
  }

  /** Time at which the next name is due; Infinity if there is none. */
  get nextMs(): number {
    let nextMs = Number.POSITIVE_INFINITY
    for (const dueMs of this.#dueMs.values()) nextMs = Math.min(nextMs, dueMs)
    return nextMs
  }
}
