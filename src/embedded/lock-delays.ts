import type {Clock} from '../core/types.js'

const longestMs = 60_000

/**
 * Keys in lock-delay. Their holder's session has ended, so for a while no session can acquire them.
 */
export class LockDelays {
  readonly #clock: Clock
  readonly #untilMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  start(key: string, delayMs: number): void {
    if (delayMs > 0) this.#untilMs.set(key, this.#clock.monotonicMs() + Math.min(delayMs, longestMs))
  }

  inForce = (key: string): boolean => (this.#untilMs.get(key) ?? 0) > this.#clock.monotonicMs()

  sweep(): void {
    for (const key of this.#untilMs.keys()) if (!this.inForce(key)) this.#untilMs.delete(key)
  }

  clear(): void {
    this.#untilMs.clear()
  }
}
