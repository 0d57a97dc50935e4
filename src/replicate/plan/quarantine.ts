import type {Clock} from '../../core/types.js'
import type {Refused} from '../types.js'

const retryAfterMs = 60_000

interface Case {
  readonly reason: string
  /** The refused change: the source's ModifyIndex, or `delete`. */
  readonly version: bigint | 'delete'
  readonly untilMs: number
}

/**
 * Keys that the destination has refused. They are skipped for a minute, or until the source writes them again. Other
 * keys are written.
 */
export class Quarantine {
  readonly #cases = new Map<string, Case>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(key: string, version: bigint | 'delete', reason: string): void {
    this.#cases.set(key, {reason, version, untilMs: this.#clock.monotonicMs() + retryAfterMs})
  }

  /** Returns the refusal of this change while it is in quarantine. Another change of the key ends the quarantine. */
  find(key: string, version: bigint | 'delete'): Refused | undefined {
    const known = this.#cases.get(key)
    if (!known) return undefined
    if (known.version === version && this.#clock.monotonicMs() < known.untilMs) return {key, reason: known.reason}
    this.#cases.delete(key)
    return undefined
  }
}
