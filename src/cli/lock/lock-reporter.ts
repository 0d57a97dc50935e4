import {systemBootTime} from '../../core/time/boot-time.js'
import {systemClock} from '../../core/time/clock.js'
import {EventWriter} from '../event-writer.js'
import type {Output} from '../output.js'
import {type AnyLockEvent, toEventLine, toProgress, toWarning} from './event-lines.js'
import type {FlightRecorder} from './flight-recorder.js'
import {LeaseNews} from './lease-news.js'
import {MetricsFile} from './metrics-file.js'
import type {WaitingLine} from './waiting-line.js'

/** Events after which the line about waiting for the lock is erased, or is replaced by another line. */
const waitEnders: ReadonlySet<string> = new Set(['lock.waiting', 'lock.acquired', 'lock.released', 'session.expiring'])

interface LockReporterOptions {
  readonly prefix: string
  readonly out: Output
  readonly waiting: WaitingLine
  /** Value of `--events`; undefined if the flag was not given. */
  readonly events: string | undefined
  /** Value of `--metrics-file`; undefined if the flag was not given. */
  readonly metricsFile: string | undefined
  /** Opens the record of the events on this machine. Called only if nothing else fails, so that no record stays open. */
  readonly openRecorder: () => FlightRecorder
}

/** Reports the events of a lock: as lines of JSON, and as lines for people. */
export class LockReporter implements AsyncDisposable {
  readonly #options: LockReporterOptions
  readonly #events: EventWriter | undefined
  readonly #metrics: MetricsFile | undefined
  readonly #recorder: FlightRecorder
  readonly #news: LeaseNews

  constructor(options: LockReporterOptions) {
    const {prefix, events, metricsFile: path, out} = options
    this.#options = options
    const wallMs = (): number => systemClock.wallMs()
    const warn = (text: string): void => out.warn(text)
    this.#events = events === undefined ? undefined : new EventWriter(events, 'events', warn)
    this.#metrics = path === undefined ? undefined : new MetricsFile({path, prefix, wallMs, warn})
    this.#recorder = options.openRecorder()
    this.#news = new LeaseNews({prefix, now: systemBootTime, wallMs})
  }

  /** Writes an event as a line of JSON, and records it on this machine. */
  record(event: AnyLockEvent): void {
    const {prefix} = this.#options
    const line = toEventLine(event, {prefix, wallMs: systemClock.wallMs()})
    this.#events?.line(line)
    this.#recorder.record(line)
    this.#metrics?.handle(event)
  }

  /** Prints a line for people if the event needs one. */
  tell(event: AnyLockEvent): void {
    const {prefix, waiting, out} = this.#options
    if (event.type === 'lock.waiting' && event.reason === 'held') {
      const heldSinceMs = Date.parse(event.heldSince ?? '')
      const held = `held by ${event.holder ?? 'another session'}`
      waiting.show({
        text: `waiting for ${prefix}: ${held}`,
        ...(event.position !== undefined && {place: `place ${event.position} in the queue`}),
        shorter: [`waiting for ${prefix}: ${held}`, `${prefix}: ${held}`, held],
        heldSinceMs: Number.isNaN(heldSinceMs) ? undefined : heldSinceMs,
      })
      return
    }
    if (waitEnders.has(event.type)) waiting.end()
    const progress = this.#news.line(event) ?? toProgress(event, prefix)
    if (progress !== undefined) out.say(progress)
    const warning = toWarning(event, prefix)
    if (warning !== undefined) out.warn(warning)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.waiting.end()
    this.#recorder[Symbol.dispose]()
    this.#metrics?.[Symbol.dispose]()
    await this.#events?.[Symbol.asyncDispose]()
  }
}
