import {isBatonError} from '../errors.js'
import {Backoff} from '../time/backoff.js'
import type {Random} from '../types.js'

/**
 * Class of a failure. `slow`: an operator has to act first. `limited`: the agent is over its limits. `fatal`:
 * the query can never succeed.
 */
export type Reaction = 'fatal' | 'slow' | 'limited' | 'transient'

/**
 * Returns the class of a failure. Before the first answer, a refusal such as a 400 and a response that is not
 * from Consul are fatal. A query that was answered before is known to be valid, so the same failures are then
 * retried.
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

const longestAskedMs = 60_000

const retryAfterMs = (error: unknown): number =>
  isBatonError(error, 'BATON_RATE_LIMITED') ? ((error as {readonly retryAfterMs?: number}).retryAfterMs ?? 0) : 0

/** Delays after consecutive failures of one query. */
export class RetryPolicy {
  readonly #backoffs: Readonly<Record<Exclude<Reaction, 'fatal'>, Backoff>>
  /** Number of failures since the last answer. */
  failures = 0
  readonly #random: Random

  constructor(random: Random, maxPauseMs?: number) {
    this.#random = random
    this.#backoffs = {
      transient: new Backoff({random, ...(maxPauseMs !== undefined && {maxMs: maxPauseMs})}),
      limited: new Backoff({minMs: 1000, random}),
      slow: new Backoff({minMs: 5000, maxMs: 60_000, random}),
    }
  }

  /**
   * Returns the delay in milliseconds. It is 0 after the first transient failure, because most such failures
   * occur only once. A Retry-After of up to a minute is obeyed.
   */
  nextMs(reaction: Exclude<Reaction, 'fatal'>, error: unknown): number {
    this.failures += 1
    if (reaction === 'transient' && this.failures === 1) return 0
    const askedMs = Math.min(retryAfterMs(error), longestAskedMs)
    // Jitter keeps clients with the same Retry-After from returning all at once.
    return Math.max(this.#backoffs[reaction].next(), askedMs * (1 + this.#random() / 16))
  }

  reset(): void {
    this.failures = 0
    for (const backoff of Object.values(this.#backoffs)) backoff.reset()
  }
}
