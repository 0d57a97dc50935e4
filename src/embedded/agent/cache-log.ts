import type {Clock} from '../../core/types.js'

/**
 * Records which answers a real agent would have in its cache. The answers themselves are not cached.
 */
export class CacheLog {
  readonly #clock: Clock
  readonly #sinceMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Age in milliseconds of the entry under `key`; undefined if there is no entry, or if it is older than `longestMs`.
   */
  ageMs(key: string, longestMs: number): number | undefined {
    const nowMs = this.#clock.monotonicMs()
    const since = this.#sinceMs.get(key)
    if (since !== undefined && nowMs - since <= longestMs) return nowMs - since
    this.#sinceMs.set(key, nowMs)
    return undefined
  }

  clear(): void {
    this.#sinceMs.clear()
  }
}
