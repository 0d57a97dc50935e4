import type {Clock} from '../../core/types.js'
import type {Refused} from '../types.js'

const retryAfterMs = 60_000

interface Case {
  readonly reason: string
  /** The refused change: the ModifyIndex of the source's entry, or `delete`. */
  readonly version: bigint | 'delete'
  readonly untilMs: number
}

/**
 * Keys that the destination has refused. Each is skipped for a minute, or until the source writes it again;
 * other keys are written meanwhile.
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

  /** Returns all keys in quarantine. */
  list(): readonly Refused[] {
    const nowMs = this.#clock.monotonicMs()
    return [...this.#cases].flatMap(([key, {reason, untilMs}]) => (nowMs < untilMs ? [{key, reason}] : []))
  }

  /**
   * Returns the refusal of this change while the change is in quarantine. A different change of the key ends
   * the quarantine.
   */
  find(key: string, version: bigint | 'delete'): Refused | undefined {
    const known = this.#cases.get(key)
    if (!known) return undefined
    if (known.version === version && this.#clock.monotonicMs() < known.untilMs) return {key, reason: known.reason}
    this.#cases.delete(key)
    return undefined
  }
}
