import type {Clock, Timer} from '../core/types.js'
import type {Mapping, ReplicatorObserver, RetryingPart} from './types.js'

const firstReportMs = 1500
const longestPauseMs = 60_000

export interface OutageOptions {
  readonly part: RetryingPart
  /** Absent: all of them wait. */
  readonly mapping?: Mapping
  readonly clock: Clock
  readonly observer: ReplicatorObserver
}

/**
 * Reports that an answer is overdue: 1.5 s after the first request without an answer or the first failure, then at
 * intervals that double up to a minute, and once when an answer has come. An outage that is shorter is not reported.
 */
export class Outage implements Disposable {
  readonly #options: OutageOptions
  #startedMs: number | undefined
  #error: unknown
  #reportCount = 0
  #pauseMs = firstReportMs
  #timer: Timer | undefined

  constructor(options: OutageOptions) {
    this.#options = options
  }

  /** A request was sent whose answer should come at once. */
  begin(): void {
    if (this.#startedMs !== undefined) return
    this.#startedMs = this.#options.clock.monotonicMs()
    this.#pauseMs = firstReportMs
    this.#schedule()
  }

  fail(error: unknown): void {
    this.#error = error
    this.begin()
  }

  end(): void {
    const {part, mapping, observer} = this.#options
    const elapsedMs = this.#elapsedMs()
    const wasReported = this.#reportCount > 0
    this[Symbol.dispose]()
    if (wasReported) observer({type: `${part}.recovered`, mapping, elapsedMs})
  }

  /** Ends the reports without another one. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
    this.#startedMs = undefined
    this.#error = undefined
    this.#reportCount = 0
  }

  /** Runs `request`, whose failure begins an outage; its result does not end one. */
  async watch<T>(request: () => Promise<T>): Promise<T> {
    this.begin()
    try {
      return await request()
    } catch (error) {
      this.fail(error)
      throw error
    }
  }

  #schedule(): void {
    this.#timer = this.#options.clock.timer(this.#pauseMs, () => this.#report(), {ref: false})
  }

  #report(): void {
    const {part, mapping, observer} = this.#options
    this.#reportCount += 1
    observer({type: `${part}.retrying`, mapping, elapsedMs: this.#elapsedMs(), error: this.#error})
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs)
    this.#schedule()
  }

  #elapsedMs(): number {
    return this.#options.clock.monotonicMs() - (this.#startedMs ?? this.#options.clock.monotonicMs())
  }
}
