import {systemClock} from '../core/time/clock.js'
import {formatDuration} from '../core/time/duration.js'
import type {Clock} from '../core/types.js'
import {StatusLine, type TerminalStream} from './status-line.js'

const redrawMs = 100
const lineEveryMs = 10_000
/** Minimum width of a terminal for a line with the rate. */
const leastForRate = 60

export interface ProgressOptions {
  readonly stderr: TerminalStream
  /** The status line, shared with everything else that writes to the terminal. @default a line of its own */
  readonly line?: StatusLine
  readonly isQuiet: boolean
  /** @default the system's clock */
  readonly clock?: Clock
}

/**
 * Shows how much of a long task is done, its rate and the remaining time. On a terminal, this is one line that is
 * redrawn; elsewhere, it is a new line every ten seconds. Clear it before anything else is written to the terminal.
 */
export class Progress {
  readonly #options: ProgressOptions
  readonly #clock: Clock
  #subject: string | undefined
  #startedMs = 0
  #shownMs = 0
  readonly #line: StatusLine

  constructor(options: ProgressOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#line = options.line ?? new StatusLine(options.stderr)
  }

  update(subject: string, doneCount: number, totalCount: number): void {
    const {stderr, isQuiet} = this.#options
    if (isQuiet) return
    const nowMs = this.#clock.monotonicMs()
    if (this.#subject !== subject) {
      this.#subject = subject
      this.#startedMs = nowMs
      this.#shownMs = nowMs
    }
    const isTty = stderr.isTTY === true
    if (nowMs - this.#shownMs < (isTty ? redrawMs : lineEveryMs)) return
    this.#shownMs = nowMs
    const perSecond = (doneCount * 1000) / Math.max(1, nowMs - this.#startedMs)
    const leftMs = Math.ceil((totalCount - doneCount) / Math.max(perSecond, 0.001)) * 1000
    const left = `${formatDuration(leftMs)} left`
    const {columns = 0} = stderr
    const numbers =
      isTty && columns > 0 && columns < leastForRate
        ? `${doneCount}/${totalCount}, ${left}`
        : `${doneCount} of ${totalCount} keys, ${Math.round(perSecond)}/s, ${left}`
    if (isTty) this.#line.draw(`baton: ${subject}`, numbers)
    else stderr.write(`baton: ${subject}${numbers}\n`)
  }

  /** Removes the line from a terminal. */
  clear(): void {
    this.#line.clear()
  }

  /** Removes the line, and shows nothing until the next update. */
  end(): void {
    this.clear()
    this.#subject = undefined
  }
}
