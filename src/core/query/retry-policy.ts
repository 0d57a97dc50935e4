import {isBatonError} from '../errors.js'
import {Backoff} from '../time/backoff.js'
import type {Random} from '../types.js'

/**
 * Class of a failure. `slow`: an operator has to act first. `limited`: the agent is over its limits. `fatal`: the same
 * query can never succeed.
 */
export type Reaction = 'fatal' | 'slow' | 'limited' | 'transient'

/**
 * Returns the class of a failure. Refusals such as a 400, or a page from another program, are fatal before the first
 * answer. A query that was answered before is known to be valid, so the same refusals are then retried.
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
  /** Failures since the last answer. */
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
   * Returns the delay in milliseconds: 0 after the first transient failure, because most such failures do not occur
   * twice. A Retry-After is obeyed for up to a minute.
   */
  nextMs(reaction: Exclude<Reaction, 'fatal'>, error: unknown): number {
    this.failures += 1
    if (reaction === 'transient' && this.failures === 1) return 0
    const askedMs = Math.min(retryAfterMs(error), longestAskedMs)
    // Jitter: clients given the same Retry-After must not return together.
    return Math.max(this.#backoffs[reaction].next(), askedMs * (1 + this.#random() / 16))
  }

  reset(): void {
    this.failures = 0
    for (const backoff of Object.values(this.#backoffs)) backoff.reset()
  }
}
