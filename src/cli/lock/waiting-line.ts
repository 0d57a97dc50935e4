import {systemClock} from '../../core/time/clock.js'
import {formatDuration} from '../../core/time/duration.js'
import type {Clock} from '../../core/types.js'
import {StatusLine, type TerminalStream} from '../status-line.js'

const redrawMs = 1000
const lineEveryMs = 60_000
const second = 1000

export interface WaitingLineOptions {
  readonly stderr: TerminalStream
  /** The status line, shared with everything else that writes to the terminal. @default a line of its own */
  readonly line?: StatusLine
  /** True to print lines even if stderr is not a terminal. */
  readonly isVerbose: boolean
  readonly isQuiet: boolean
  /** @default the system's clock */
  readonly clock?: Clock
}

/** What the line shows while a contender waits for the lock. */
export interface Wait {
  /** For example, `waiting for jobs/x: held by sleep on vm, pid 7`. */
  readonly text: string
  /** The contender's place in the queue, shown after the time for which the lock has been held. @default not shown */
  readonly place?: string
  /** Shorter forms of the text for narrow terminals, longest first. @default none */
  readonly shorter?: readonly string[]
  /** Wall-clock time at which the lock was acquired; undefined if its holder did not record it. */
  readonly heldSinceMs: number | undefined
}

/**
 * Shows how long the lock has been held, and how long this contender has waited for it. On a terminal, this is one line
 * that is redrawn each second; elsewhere, with --verbose, it is a new line each minute.
 */
export class WaitingLine {
  readonly #options: WaitingLineOptions
  readonly #clock: Clock
  readonly #startedMs: number
  #wait: Wait | undefined
  #stop: AbortController | undefined
  readonly #line: StatusLine

  constructor(options: WaitingLineOptions) {
    this.#options = options
    this.#line = options.line ?? new StatusLine(options.stderr)
    this.#clock = options.clock ?? systemClock
    this.#startedMs = this.#clock.monotonicMs()
  }

  /** Shows this text immediately, and then repeatedly until `end` is called. */
  show(wait: Wait): void {
    const {stderr, isQuiet, isVerbose} = this.#options
    if (isQuiet || !(stderr.isTTY || isVerbose)) return
    const shown = this.#wait
    if (shown?.text === wait.text && shown.place === wait.place && shown.heldSinceMs === wait.heldSinceMs) return
    this.#wait = wait
    this.#write()
    if (this.#stop) return
    this.#stop = new AbortController()
    void this.#repeat(this.#stop.signal)
  }

  /** Erases the line from the terminal, and shows nothing until the next `show`. */
  end(): void {
    this.#stop?.abort()
    this.#stop = undefined
    this.#wait = undefined
    this.#line.clear()
  }

  async #repeat(signal: AbortSignal): Promise<void> {
    const ms = this.#options.stderr.isTTY === true ? redrawMs : lineEveryMs
    try {
      for (;;) {
        await this.#clock.sleep(ms, signal)
        this.#write()
      }
    } catch {
      // `end` has aborted the sleep.
    }
  }

  #write(): void {
    const {stderr} = this.#options
    if (!this.#wait) return
    const {text, place, shorter = [], heldSinceMs} = this.#wait
    const heldMs = heldSinceMs === undefined ? 0 : this.#clock.wallMs() - heldSinceMs
    const held = heldMs < second ? '' : ` for ${inSeconds(heldMs)}`
    const waitedMs = this.#clock.monotonicMs() - this.#startedMs
    const queued = place === undefined ? '' : `, ${place}`
    const waited = waitedMs < second ? '' : `; waiting ${inSeconds(waitedMs)}`
    if (stderr.isTTY !== true) {
      stderr.write(`baton: ${text}${held}${queued}${waited}\n`)
      return
    }
    const full = [`baton: ${text}`, held + queued + waited] as const
    const forms = [
      full,
      ...shorter.flatMap(one => [[one, held + waited] as const, [one, held] as const, [one, ''] as const]),
    ]
    this.#line.draw(...(forms.find(form => this.#line.fits(...form)) ?? forms.at(-1) ?? full))
  }
}

const inSeconds = (ms: number): string => formatDuration(Math.floor(ms / second) * second)
