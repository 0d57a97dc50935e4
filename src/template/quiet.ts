import type {Quiet} from './types.js'

/** Delays the work on something that changes until it has not changed for a while. */
export class Calm {
  readonly #quiet: Quiet
  #seen: string | undefined
  #firstMs = 0
  #lastMs = 0

  constructor(quiet: Quiet) {
    this.#quiet = quiet
  }

  /** Returns how long in milliseconds to wait still, 0 if it is time. `version` tells one state from another. */
  leftMs(version: string, nowMs: number): number {
    if (this.#seen === undefined) this.#firstMs = nowMs
    if (this.#seen !== version) this.#lastMs = nowMs
    this.#seen = version
    const {minMs, maxMs = minMs * 4} = this.#quiet
    return Math.max(0, Math.min(this.#lastMs + minMs, this.#firstMs + maxMs) - nowMs)
  }

  /** Begins again: what comes next is the first change. */
  reset(): void {
    this.#seen = undefined
  }
}
