const longestWaitMs = 600_000
const shortestCutMs = 1000
const forgetAfterMs = 3_600_000
const cutsThatProve = 2

/**
 * Chooses the parameter `wait` of blocking queries. Some agents and proxies end a blocking query after a fixed time,
 * regardless of this parameter. After two queries in a row that ended at about the same age, `wait` stays below that
 * age for an hour.
 */
export class LearntWait {
  readonly #askedMs: number
  #learntMs: number | undefined
  #learntAtMs = 0
  #cutAtMs = 0
  #cuts = 0

  constructor(askedMs: number) {
    this.#askedMs = Math.min(Math.max(1, askedMs), longestWaitMs)
  }

  currentMs(nowMs: number): number {
    if (this.#learntMs !== undefined && nowMs - this.#learntAtMs >= forgetAfterMs) this.#learntMs = undefined
    return this.#learntMs ?? this.#askedMs
  }

  /**
   * Records that a blocking query ended without a change before the end of its `wait`. Returns true if later queries
   * will ask for a shorter `wait`.
   */
  cut(ageMs: number, nowMs: number): boolean {
    if (ageMs < shortestCutMs) return false
    const isSameAge = Math.abs(ageMs - this.#cutAtMs) <= this.#cutAtMs * 0.1
    this.#cuts = isSameAge ? this.#cuts + 1 : 1
    this.#cutAtMs = ageMs
    if (this.#cuts < cutsThatProve) return false
    this.#cuts = 0
    // The server may add up to a sixteenth to the `wait` that a query asks for.
    this.#learntMs = Math.max(shortestCutMs / 2, Math.floor(ageMs * 0.8))
    this.#learntAtMs = nowMs
    return true
  }

  /**
   * Records that a blocking query lasted this long until it was answered, so nothing ends queries at a lower fixed age.
   */
  survived(ageMs: number): void {
    if (ageMs > this.#cutAtMs * 1.1) this.#cuts = 0
  }
}
