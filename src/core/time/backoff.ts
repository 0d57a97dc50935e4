import type {Random} from '../types.js'

export interface BackoffOptions {
  /** First and smallest delay. @default 250 */
  readonly minMs?: number
  /** @default 30000 */
  readonly maxMs?: number
  readonly random: Random
}

/** Decorrelated jitter: each delay is uniform between the smallest and three times the last, so that a herd spreads. */
export class Backoff {
  readonly #minMs: number
  readonly #maxMs: number
  readonly #random: Random
  #lastMs = 0
  /** Delays handed out since the last reset. */
  attempts = 0

  constructor(options: BackoffOptions) {
    this.#minMs = options.minMs ?? 250
    this.#maxMs = options.maxMs ?? 30_000
    this.#random = options.random
  }

  next(): number {
    this.attempts += 1
    const ceiling = Math.min(this.#maxMs, Math.max(this.#minMs, this.#lastMs * 3))
    this.#lastMs = this.#minMs + this.#random() * (ceiling - this.#minMs)
    return this.#lastMs
  }

  reset(): void {
    this.attempts = 0
    this.#lastMs = 0
  }
}
