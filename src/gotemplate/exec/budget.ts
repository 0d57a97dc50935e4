import {byteLength} from '../value/text.js'
import {GoError} from '../value/values.js'

/** Limits of one rendering. A template that exceeds one of them fails with an error. */
export interface BudgetLimits {
  /**
   * Maximum number of actions, arguments and loop iterations, plus one for every 64 characters that a function takes or
   * returns and one for each element of a list that a function returns.
   * @default 10,000,000
   */
  readonly steps?: number
  /** Maximum time in milliseconds, measured by `now`. It is checked between two steps. @default 10,000 */
  readonly timeMs?: number
  /** Returns the monotonic time in milliseconds. @default the time is not limited */
  readonly now?: () => number
  /** Maximum number of bytes of output. @default 64 MiB */
  readonly outputBytes?: number
  /** Maximum depth of nested template calls. Go allows 100,000. @default 1000 */
  readonly depth?: number
}

/** Number of steps after which the elapsed time is checked again. */
const stepsBetweenChecks = 100

/**
 * Counts the steps, time and output of a rendering. Templates called by `executeTemplate` share their caller's budget.
 */
export class Budget {
  readonly depth: number
  #steps: number
  #bytes: number
  #stepsToCheck = 0
  readonly #limits: {readonly steps: number; readonly outputBytes: number; readonly timeMs: number}
  readonly #now: () => number
  readonly #endMs: number

  constructor(limits: BudgetLimits = {}) {
    const {steps = 10_000_000, outputBytes = 64 * 1024 * 1024, depth = 1000, timeMs = 10_000, now = () => 0} = limits
    this.depth = depth
    this.#steps = steps
    this.#bytes = outputBytes
    this.#limits = {steps, outputBytes, timeMs}
    this.#now = now
    this.#endMs = now() + timeMs
  }

  /** Counts steps. Throws a {@link GoError} if the limit is exceeded. */
  step(count = 1): void {
    this.#steps -= count
    if (this.#steps < 0) throw new GoError(`the template needs more than ${this.#limits.steps} steps`)
    this.#stepsToCheck -= count
    if (this.#stepsToCheck > 0) return
    this.#stepsToCheck = stepsBetweenChecks
    if (this.#now() > this.#endMs) throw new GoError(`the template needs more than ${this.#limits.timeMs} ms`)
  }

  /** Counts output. Throws a {@link GoError} if the limit is exceeded. */
  write(text: string): void {
    this.#bytes -= byteLength(text)
    if (this.#bytes < 0) throw new GoError(`the output is longer than ${this.#limits.outputBytes} bytes`)
  }
}
