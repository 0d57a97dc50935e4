import type {Clock, Timer} from './types.js'

const firstReportMs = 1500
const longestPauseMs = 60_000

export interface OutageOptions {
  readonly clock: Clock
  /**
   * Called at growing intervals while an answer is overdue. `error` is the last failure, or undefined if no
   * request has failed yet.
   */
  readonly onOverdue: (elapsedMs: number, error: unknown) => void
  /** Called once when an answer comes after `onOverdue` was called. */
  readonly onRecovered: (elapsedMs: number) => void
}

/**
 * Reports that an answer is overdue. The first report comes 1.5 s after the first failure or the first request without
 * an answer, further ones at intervals that double up to a minute, and the last one when an answer has come. An outage
 * of less than 1.5 s is not reported.
 */
export class Outage implements Disposable {
  readonly #options: OutageOptions
  #startedMs: number | undefined
  #error: unknown
  #isReported = false
  #pauseMs = firstReportMs
  #timer: Timer | undefined

  constructor(options: OutageOptions) {
    this.#options = options
  }

  /**
   * True if, since the last answer, no request has failed and nothing was reported. An answer that comes now ends the
   * wait without a report.
   */
  get isUnnoticed(): boolean {
    return this.#error === undefined && !this.#isReported
  }

  /** Records that a request was sent which should be answered without delay. */
  begin(): void {
    if (this.#startedMs !== undefined) return
    this.#startedMs = this.#options.clock.monotonicMs()
    this.#pauseMs = firstReportMs
    this.#schedule()
  }

  /** Records that a request failed. */
  fail(error: unknown): void {
    this.#error = error
    this.begin()
  }

  /** Records that an answer has arrived. */
  end(): void {
    const elapsedMs = this.#elapsedMs()
    const wasReported = this.#isReported
    this[Symbol.dispose]()
    if (wasReported) this.#options.onRecovered(elapsedMs)
  }

  /**
   * Runs `request`. Records that it was sent and, if it fails, its failure. Its success does not count as an answer.
   */
  async watch<T>(request: () => Promise<T>): Promise<T> {
    this.begin()
    try {
      return await request()
    } catch (error) {
      this.fail(error)
      throw error
    }
  }

  /** Ends the outage without a report. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
    this.#startedMs = undefined
    this.#error = undefined
    this.#isReported = false
  }

  #schedule(): void {
    this.#timer = this.#options.clock.timer(this.#pauseMs, () => this.#report(), {ref: false})
  }

  #report(): void {
    this.#isReported = true
    this.#options.onOverdue(this.#elapsedMs(), this.#error)
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs)
    this.#schedule()
  }

  #elapsedMs(): number {
    const nowMs = this.#options.clock.monotonicMs()
    return nowMs - (this.#startedMs ?? nowMs)
  }
}
