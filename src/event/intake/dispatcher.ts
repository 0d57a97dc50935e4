import type PQueue from 'p-queue'
import {messageOf} from '../../core/errors.js'
import {Backoff} from '../../core/time/backoff.js'
import type {Clock, Random, UserEvent} from '../../core/types.js'
import type {EventNotice} from '../notices.js'
import type {EventState} from './event-state.js'

/**
 * Handles one event, or several if `isBatched`. `attempt` is 1 for the first attempt. The signal aborts when the watch
 * ends. Rejects if the attempt failed.
 */
export type HandleEvents = (events: readonly UserEvent[], attempt: number, signal: AbortSignal) => Promise<void>

export interface DispatchOptions {
  readonly state: EventState
  /** Called for each event in order, or for each batch. */
  readonly handle: HandleEvents
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
  /** Maximum number of handlers that run at the same time. @default 1 */
  readonly concurrency?: number
  /**
   * Passes all waiting events to a single call of `handle`, instead of making one call for each event.
   * @default false
   */
  readonly isBatched?: boolean
  /** Maximum number of further attempts after the first one failed. @default 0 */
  readonly retryCount?: number
  /** Minimum pause before another attempt. It grows with each attempt, up to a minute. @default 1000 */
  readonly retryDelayMs?: number
  /**
   * Called after the last attempt failed. If it resolves, the events count as handled; if it rejects, the watch ends.
   */
  readonly handleDead: (events: readonly UserEvent[], error: unknown) => Promise<void>
  /** Receives a `handler.failed` notice before each further attempt. */
  readonly observer?: (notice: EventNotice) => void
}

/** Runs handlers in the order of their events, records their progress in the state, and repeats failed attempts. */
export class Dispatcher {
  readonly #options: DispatchOptions
  readonly #queue: PQueue
  readonly #failed: Promise<never>
  #fail: (error: unknown) => void = () => {}
  #gathered: UserEvent[] = []

  private constructor(options: DispatchOptions, queue: PQueue) {
    this.#options = options
    this.#queue = queue
    this.#failed = new Promise((_resolve, reject) => {
      this.#fail = reject
    })
    this.#failed.catch(() => undefined)
  }

  static async create(options: DispatchOptions): Promise<Dispatcher> {
    const {default: Queue} = await import('p-queue')
    return new Dispatcher(options, new Queue({concurrency: options.concurrency ?? 1}))
  }

  /** Rejects on a failure that retrying cannot fix, either of the state file or of `handleDead`. Never resolves. */
  get failed(): Promise<never> {
    return this.#failed
  }

  add(events: readonly UserEvent[]): void {
    if (this.#options.isBatched === true) {
      const isWaiting = this.#gathered.length > 0
      this.#gathered.push(...events)
      if (!isWaiting && events.length > 0) this.#enqueue(() => this.#gathered.splice(0))
      return
    }
    for (const event of events) this.#enqueue(() => [event])
  }

  /** Resolves when fewer than `limit` events are queued. */
  async room(limit: number): Promise<void> {
    await this.#queue.onSizeLessThan(limit)
  }

  /** Resolves when nothing is queued or running. */
  async idle(): Promise<void> {
    await this.#queue.onIdle()
  }

  /** Starts no more handlers, and resolves when those in progress have ended. */
  async close(): Promise<void> {
    this.#queue.clear()
    await this.#queue.onIdle()
  }

  #enqueue(take: () => readonly UserEvent[]): void {
    void this.#queue
      .add(async () => {
        if (!this.#options.signal.aborted) await this.#run(take())
      })
      .catch((error: unknown) => this.#fail(error))
  }

  async #run(events: readonly UserEvent[]): Promise<void> {
    const {state, signal} = this.#options
    const ids = events.map(event => event.id)
    await state.start(ids)
    const outcome = await this.#attempt(events)
    // An event whose handler was interrupted by the end of this watch stays `started`. The next watch decides whether
    // to run the handler again.
    if (outcome === 'cut-off' || (outcome === 'failed' && signal.aborted)) return
    await state.finish(ids, outcome === 'done' ? 'done' : 'dead')
  }

  async #attempt(events: readonly UserEvent[]): Promise<'done' | 'failed' | 'cut-off'> {
    const {handle, signal, clock, random, retryCount = 0, retryDelayMs = 1000} = this.#options
    const backoff = new Backoff({random, minMs: retryDelayMs, maxMs: Math.max(retryDelayMs, 60_000)})
    for (let attempt = 1; ; attempt += 1) {
      try {
        await handle(events, attempt, signal)
        return 'done'
      } catch (error) {
        if (signal.aborted) return 'cut-off'
        if (attempt > retryCount) {
          await this.#options.handleDead(events, error)
          return 'failed'
        }
        this.#options.observer?.({type: 'handler.failed', events, attempt, error})
      }
      try {
        await clock.sleep(backoff.next(), signal)
      } catch {
        return 'cut-off'
      }
    }
  }
}

/** Returns one line of a dead-letter file: the event, and why its handler failed. */
export const deadLetter = (event: UserEvent, error: unknown, wallMs: number): string =>
  JSON.stringify({
    v: 1,
    at: new Date(wallMs).toISOString(),
    id: event.id,
    name: event.name,
    payload: event.payload?.toString('base64') ?? null,
    ltime: event.lTime.toString(),
    error: messageOf(error),
  })
