import {isTransient} from '../core/errors.js'
import {Backoff} from '../core/time/backoff.js'
import type {Clock, Random} from '../core/types.js'

/** Does the work again, with back-off, as long as it fails only because Consul cannot be reached. */
export async function outliveOutages<T>(
  work: () => Promise<T>,
  {clock, random, signal}: {readonly clock: Clock; readonly random: Random; readonly signal: AbortSignal},
): Promise<T> {
  const backoff = new Backoff({random})
  for (;;) {
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      if (!isTransient(error)) throw error
    }
    await clock.sleep(backoff.next(), signal)
  }
}
