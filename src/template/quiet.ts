import type {Quiet} from './types.js'

/** Delays work on a changing value until the value has stayed the same for some time. */
export class Calm {
  readonly #quiet: Quiet
  #seen: string | undefined
  #firstMs = 0
  #lastMs = 0

  constructor(quiet: Quiet) {
    this.#quiet = quiet
  }

  /**
   * Returns the remaining delay in milliseconds, or 0 if the work may start. A new `version` means that the value has
   * changed.
   */
  leftMs(version: string, nowMs: number): number {
    if (this.#seen === undefined) this.#firstMs = nowMs
    if (this.#seen !== version) this.#lastMs = nowMs
    this.#seen = version
    const {minMs, maxMs = minMs * 4} = this.#quiet
    return Math.max(0, Math.min(this.#lastMs + minMs, this.#firstMs + maxMs) - nowMs)
  }

  /** Forgets the changes so far, so that the next one counts as the first. */
  reset(): void {
    this.#seen = undefined
  }
}
