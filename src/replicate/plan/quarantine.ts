import type {Clock} from '../../core/types.js'
import type {Refused} from '../types.js'

const retryAfterMs = 60_000

interface Case {
  readonly reason: string
  /** What was refused: the source's ModifyIndex, or `delete`. */
  readonly version: bigint | 'delete'
  readonly untilMs: number
}

/** Keys that the destination refused. They are skipped for a minute, or until the source writes them again; other keys are written. */
export class Quarantine {
  readonly #cases = new Map<string, Case>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(key: string, version: bigint | 'delete', reason: string): void {
    this.#cases.set(key, {reason, version, untilMs: this.#clock.monotonicMs() + retryAfterMs})
  }

  /** The refusal of this change, if it still counts. Another change of the key ends its quarantine. */
  find(key: string, version: bigint | 'delete'): Refused | undefined {
    const known = this.#cases.get(key)
    if (!known) return undefined
    if (known.version === version && this.#clock.monotonicMs() < known.untilMs) return {key, reason: known.reason}
    this.#cases.delete(key)
    return undefined
  }
}
