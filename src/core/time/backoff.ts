import type {Random} from '../types.js'

export interface BackoffOptions {
  /** Smallest delay. @default 250 */
  readonly minMs?: number
  /** Largest delay. @default 30000 */
  readonly maxMs?: number
  readonly random: Random
}

/**
 * Decorrelated jitter: each delay is chosen uniformly between `minMs` and three times the previous delay (`minMs` at
 * first), so that many clients do not retry at the same time.
 */
export class Backoff {
  readonly #minMs: number
  readonly #maxMs: number
  readonly #random: Random
  #lastMs: number
  /** Number of delays returned since the last reset. */
  attempts = 0

  constructor(options: BackoffOptions) {
    this.#minMs = options.minMs ?? 250
    this.#maxMs = options.maxMs ?? 30_000
    this.#random = options.random
    this.#lastMs = this.#minMs
  }

  next(): number {
    this.attempts += 1
    const ceiling = Math.max(this.#minMs, Math.min(this.#maxMs, this.#lastMs * 3))
    this.#lastMs = this.#minMs + this.#random() * (ceiling - this.#minMs)
    return this.#lastMs
  }

  reset(): void {
    this.attempts = 0
    this.#lastMs = this.#minMs
  }
}
