const burst = 3
const perSecond = 10
const windowMs = 1000

/**
 * Limits the requests of one query to a burst of 3 and then 10 a second (a token bucket), and to 10 in any period of
 * one second, the burst included.
 */
export class RateLimiter {
  #tokens = burst
  #filledAtMs: number
  #recentMs: number[] = []

  constructor(nowMs: number) {
    this.#filledAtMs = nowMs
  }

  /** Counts one request. Returns how many milliseconds to wait before sending it. */
  take(nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs)
    this.#tokens = Math.min(burst, this.#tokens + (elapsedMs * perSecond) / windowMs) - 1
    this.#filledAtMs = nowMs
    const bucketMs = this.#tokens < 0 ? (-this.#tokens * windowMs) / perSecond : 0
    const [oldestMs] = this.#recentMs
    const isFull = this.#recentMs.length >= perSecond
    const windowDelayMs = isFull && oldestMs !== undefined ? oldestMs + windowMs - nowMs : 0
    // Rounded up, because timers round down.
    const delayMs = Math.ceil(Math.max(0, bucketMs, windowDelayMs))
    if (isFull) this.#recentMs.shift()
    this.#recentMs.push(nowMs + delayMs)
    return delayMs
  }
}
