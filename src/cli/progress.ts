import {systemClock} from '../core/time/clock.js'
import {formatDuration} from '../core/time/duration.js'
import type {Clock} from '../core/types.js'

const redrawMs = 100
const lineEveryMs = 10_000
const clearLine = '\r\u001b[K'

export interface ProgressOptions {
  readonly stderr: {readonly isTTY?: boolean; write(text: string): unknown}
  readonly isQuiet: boolean
  /** @default the system's clock */
  readonly clock?: Clock
}

/**
 * How far a long work is, with its rate and the time that is left: one line that is drawn again on a terminal, and a
 * line each ten seconds elsewhere. Clear it before anything else is written to the terminal.
 */
export class Progress {
  readonly #options: ProgressOptions
  readonly #clock: Clock
  #subject: string | undefined
  #startedMs = 0
  #shownMs = 0
  #isDrawn = false

  constructor(options: ProgressOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
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
    const text = `baton: ${subject}${doneCount} of ${totalCount} keys, ${Math.round(perSecond)}/s, ${formatDuration(leftMs)} left`
    stderr.write(isTty ? `${clearLine}${text}` : `${text}\n`)
    this.#isDrawn = isTty
  }

  /** Removes the line from a terminal. */
  clear(): void {
    if (this.#isDrawn) this.#options.stderr.write(clearLine)
    this.#isDrawn = false
  }

  /** Removes the line, and forgets the progress until the next update. */
  end(): void {
    this.clear()
    this.#subject = undefined
  }
}
