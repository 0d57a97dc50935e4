import {setTimeout as sleep} from 'node:timers/promises'

export interface WaitOptions {
  /** The condition as text, which completes the message "timed out waiting for". */
  readonly what: string
  /** @default 10000 */
  readonly timeoutMs?: number
  /** @default 25 */
  readonly intervalMs?: number
  /** Returns facts for the error message. Called once, after the timeout. */
  readonly detail?: () => string | Promise<string>
}

/**
 * Calls `condition` repeatedly until it returns a truthy value, and resolves with that value. If the condition throws,
 * it is called again; after the timeout, its last error becomes the cause of the error.
 */
export async function waitUntil<T>(condition: () => T | Promise<T>, options: WaitOptions): Promise<NonNullable<T>> {
  const {what, timeoutMs = 10_000, intervalMs = 25} = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    let failure: unknown
    try {
      const value = await condition()
      if (value) return value
    } catch (error) {
      failure = error
    }
    if (performance.now() >= deadline) {
      const detail = (await options.detail?.()) ?? ''
      const why = failure instanceof Error ? `\nlast error: ${failure.message}` : ''
      throw new Error(`timed out after ${timeoutMs} ms waiting for ${what}${why}${detail && `\n${detail}`}`, {
        cause: failure,
      })
    }
    await sleep(intervalMs)
  }
}
