import {addAbortListener} from '../cancel/abort-listeners.js'
import type {Clock, Random, Timer} from '../types.js'

const longestTimerMs = 2 ** 31 - 1

class RealTimer implements Timer {
  fired = false
  #handle: NodeJS.Timeout

  constructor(ms: number, callback: () => void, ref: boolean) {
    this.#handle = setTimeout(
      () => {
        this.fired = true
        callback()
      },
      Math.min(Math.max(0, ms), longestTimerMs),
    )
    if (!ref) this.#handle.unref()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#handle)
  }
}

/**
 * Avoids `performance.now()`, because its first use takes 1.7 ms, which is a fiftieth of the
 * start-up time.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

/** Resolves after `ms` milliseconds of the given clock. Rejects with the signal's reason if the signal aborts first. */
export function sleepOn(clock: Pick<Clock, 'timer'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const timer = clock.timer(ms, () => {
      forget?.()
      resolve()
    })
    const forget =
      signal &&
      addAbortListener(signal, () => {
        timer[Symbol.dispose]()
        reject(signal.reason)
      })
  })
}

/**
 * The clock of the machine. Its monotonic time advances while the process is stopped, but not while the machine sleeps.
 */
export const systemClock: Clock = {
  monotonicMs,
  wallMs: () => Date.now(),
  timer: (ms, callback, options) => new RealTimer(ms, callback, options?.ref ?? true),
  sleep: (ms, signal) => sleepOn(systemClock, ms, signal),
}

/**
 * The default source of randomness. Do not use it for secrets.
 * @example
 * ```ts
 * const number = systemRandom()
 * number >= 0 && number < 1 // => true
 * ```
 */
export const systemRandom: Random = () => Math.random()
