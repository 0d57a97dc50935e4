import {isTransient} from './errors.js'
import type {Clock} from './types.js'

export interface RetryOptions {
  /** Ends the retries: `retry` rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  readonly clock: Clock
  /** Returns the delay before the next retry, in milliseconds. A `Backoff` fits here. */
  readonly backoff: {next(): number}
  /** True for errors after which another attempt may succeed. @default isTransient */
  readonly isRetryable?: (error: unknown) => boolean
  /** Maximum number of attempts, the first included. @default Infinity */
  readonly attempts?: number
  /** Called before each delay. */
  readonly onRetry?: (error: unknown, delayMs: number) => void
}

/**
 * Repeats an attempt until it succeeds. Rejects with the attempt's error if the error is not retryable or no
 * attempt is left, and with the signal's reason if the signal aborts.
 */
export async function retry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const {signal, clock, backoff, isRetryable = isTransient, attempts = Number.POSITIVE_INFINITY, onRetry} = options
  for (let count = 1; ; count += 1) {
    signal?.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      signal?.throwIfAborted()
      if (count >= attempts || !isRetryable(error)) throw error
      const delayMs = backoff.next()
      onRetry?.(error, delayMs)
      await clock.sleep(delayMs, signal)
    }
  }
}
