import {isTransient} from './errors.js'
import type {Clock} from './types.js'

export interface RetryOptions {
  /** Ends the retries: `retry` rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  readonly clock: Clock
  /** Returns the delay before each retry, in milliseconds. A `Backoff` is one. */
  readonly backoff: {next(): number}
  /** True for errors after which another attempt may succeed. @default isTransient */
  readonly isRetryable?: (error: unknown) => boolean
  /** Maximum number of attempts, the first included. @default Infinity */
  readonly attempts?: number
  /** Called before each delay. */
  readonly onRetry?: (error: unknown, delayMs: number) => void
}

/**
 * Repeats an attempt until it succeeds. Rejects with the attempt's error if that is not retryable or was the last one
 * allowed, and with the signal's reason if it aborts.
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
