import {byteLength} from '../value/text.js'
import {GoError} from '../value/values.js'

/** How much one rendering may do. A template that wants more ends with an error. */
export interface BudgetLimits {
  /** Actions, arguments and loop passes, and one for each 64 characters that a function makes. @default 10,000,000 */
  readonly steps?: number
  /** Bytes of output. @default 64 MiB */
  readonly outputBytes?: number
  /** Templates within templates. Go allows 100,000. @default 1000 */
  readonly depth?: number
}

/** Counts what a rendering does. Templates that are executed by a function share the budget of their caller. */
export class Budget {
  readonly depth: number
  #steps: number
  #bytes: number
  readonly #limits: {readonly steps: number; readonly outputBytes: number}

  constructor(limits: BudgetLimits = {}) {
    const {steps = 10_000_000, outputBytes = 64 * 1024 * 1024, depth = 1000} = limits
    this.depth = depth
    this.#steps = steps
    this.#bytes = outputBytes
    this.#limits = {steps, outputBytes}
  }

  /** Counts steps. Throws {@link GoError} when there are none left. */
  step(count = 1): void {
    this.#steps -= count
    if (this.#steps < 0) throw new GoError(`the template needs more than ${this.#limits.steps} steps`)
  }

  /** Counts output. Throws {@link GoError} when it is too much. */
  write(text: string): void {
    this.#bytes -= byteLength(text)
    if (this.#bytes < 0) throw new GoError(`the output is longer than ${this.#limits.outputBytes} bytes`)
  }
}
