import {isBatonError} from '../errors.js'
import {Backoff} from '../time/backoff.js'
import type {Random} from '../types.js'

/** `slow`: somebody has to act first. `limited`: the agent is over its limits. `fatal`: the same question never gets an answer. */
export type Reaction = 'fatal' | 'slow' | 'limited' | 'transient'

/**
 * A query that was answered before is not wrong by itself, so later refusals (a proxy's 400, a page that is not
 * Consul's) are outlived; before the first answer they are fatal.
 */
export function reactionTo(error: unknown, wasAnswered: boolean): Reaction {
  if (!isBatonError(error)) return 'fatal'
  switch (error.code) {
    case 'BATON_USAGE':
    case 'BATON_CONFIG':
    case 'BATON_BUG':
    case 'BATON_CANCELLED':
      return 'fatal'
    case 'BATON_ACL_DENIED':
      return 'slow'
    case 'BATON_RATE_LIMITED':
      return 'limited'
    default:
      if (error.transient) return 'transient'
      return wasAnswered ? 'slow' : 'fatal'
  }
}

/** Delays of one query's failures in a row. */
export class RetryPolicy {
  readonly #backoffs: Readonly<Record<Exclude<Reaction, 'fatal'>, Backoff>>
  /** Failures since the last answer. */
  failures = 0

  constructor(random: Random) {
    this.#backoffs = {
      transient: new Backoff({random}),
      limited: new Backoff({minMs: 1000, random}),
      slow: new Backoff({minMs: 5000, maxMs: 60_000, random}),
    }
  }

  /** 0 for the first transient failure: most are over at once, and it is nobody's business. */
  nextMs(reaction: Exclude<Reaction, 'fatal'>): number {
    this.failures += 1
    return reaction === 'transient' && this.failures === 1 ? 0 : this.#backoffs[reaction].next()
  }

  reset(): void {
    this.failures = 0
    for (const backoff of Object.values(this.#backoffs)) backoff.reset()
  }
}
