import {messageOf} from '../../core/errors.js'
import type {AnyLockEvent} from './event-lines.js'

/**
 * If a renewal succeeds after a reported failure, further failures are reported only once this time has passed since
 * that report.
 */
const quietMs = 60_000
/**
 * The time at which the command will be stopped is reported again only if it has become earlier by at least this much.
 */
const newsMs = 1000

interface LeaseNewsOptions {
  readonly prefix: string
  /** Returns the time since boot in milliseconds, on the same clock as the deadlines in events. */
  readonly now: () => number
  /** Returns the wall-clock time in milliseconds. */
  readonly wallMs: () => number
}

/**
 * Reports once, with the wall-clock time, when the command will be stopped because the lock cannot be renewed, and once
 * when the lock is renewed again. Not every failed renewal is reported.
 */
export class LeaseNews {
  readonly #options: LeaseNewsOptions
  #stopAtMs: number | undefined
  #reportedAtMs = Number.NEGATIVE_INFINITY

  constructor(options: LeaseNewsOptions) {
    this.#options = options
  }

  /** Returns the line for an event; undefined if there is nothing new to report. */
  line(event: AnyLockEvent): string | undefined {
    const {prefix, now, wallMs} = this.#options
    if (event.type === 'lease.renewed' && this.#stopAtMs !== undefined) {
      this.#stopAtMs = undefined
      return `${prefix}: renewed again: the command keeps running`
    }
    if (event.type !== 'lease.degraded') return undefined
    const {termAtMs} = event.deadline
    const isKnown =
      this.#stopAtMs === undefined ? now() - this.#reportedAtMs < quietMs : termAtMs > this.#stopAtMs - newsMs
    if (isKnown) return undefined
    this.#stopAtMs = termAtMs
    this.#reportedAtMs = now()
    const time = new Date(wallMs() + termAtMs - now()).toTimeString().slice(0, 8)
    return `${prefix}: not renewed: ${messageOf(event.error)}: the command will be stopped at ${time} unless a renewal succeeds`
  }
}
