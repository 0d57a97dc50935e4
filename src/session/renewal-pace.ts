import {isBatonError} from '../core/errors.js'

const firstRetryShare = 1 / 5
const longestRetryShare = 1 / 2

/**
 * Time between renewals. The first retry after a failure follows soon, because most failures occur only once. Later
 * retries are slower, and not earlier than `Retry-After` allows, so that an overloaded agent can recover. No pause is
 * longer than the usual interval, because a later renewal could be too late.
 */
export class RenewalPace {
  readonly #everyMs: number
  #retryMs: number

  constructor(everyMs: number) {
    this.#everyMs = everyMs
    this.#retryMs = everyMs * firstRetryShare
  }

  afterSuccess(): number {
    this.#retryMs = this.#everyMs * firstRetryShare
    return this.#everyMs
  }

  afterFailure(error?: unknown): number {
    const retryMs = this.#retryMs
    this.#retryMs = Math.min(retryMs * 2, this.#everyMs * longestRetryShare)
    return Math.min(this.#everyMs, Math.max(retryMs, retryAfterMs(error)))
  }
}

const retryAfterMs = (error: unknown): number =>
  isBatonError(error, 'BATON_RATE_LIMITED') ? ((error as {readonly retryAfterMs?: number}).retryAfterMs ?? 0) : 0
