import {type LinkedSignal, linkSignal} from '../core/cancel/link-signal.js'
import type {ConsulClient} from '../core/client.js'
import {CancelledError} from '../core/errors.js'
import {Wake} from '../core/time/wake.js'
import type {UserEvent} from '../core/types.js'
import type {EventIntakeOptions} from './intake/intake.js'
import type {EventNotice} from './notices.js'

/**
 * Events, one after another. An event counts as handled when the loop asks for the next one. If the loop ends by
 * `break` or an error, its current event does not count as handled. Meant for one reader: two loops would share the
 * events between them.
 */
export interface EventStream extends AsyncIterableIterator<UserEvent>, AsyncDisposable {
  /**
   * Resolves when the first list was read. Each event that is fired after that is delivered. Rejects if the stream ends
   * before that.
   */
  readonly ready: Promise<void>
}

/** A watch that passes events to a handler until its signal aborts. */
export type StreamedWatch = (
  options: Pick<EventIntakeOptions, 'signal' | 'handle' | 'handleDead'> & {
    readonly observer: (notice: EventNotice) => void
  },
) => Promise<void>

interface Held {
  readonly event: UserEvent
  isTaken: boolean
  done(): void
  interrupt(): void
}

/** Turns a watch that calls a handler into a stream that a reader iterates. */
export class WatchStream implements EventStream {
  readonly ready: Promise<void>
  readonly #stop: LinkedSignal
  readonly #news = new Wake()
  readonly #running: Promise<void>
  #held: Held | undefined
  #isOver = false
  #failure: {readonly error: unknown} | undefined

  constructor(watch: StreamedWatch, observer: (notice: EventNotice) => void, signal?: AbortSignal) {
    this.#stop = linkSignal(signal)
    let onReady = (): void => {}
    let onLost = (_error: unknown): void => {}
    this.ready = new Promise((resolve, reject) => {
      onReady = resolve
      onLost = reject
    })
    this.ready.catch(() => undefined)
    this.#stop.signal.addEventListener('abort', () => {
      // A reader that has already received the event may still finish handling it.
      if (this.#held?.isTaken === false) this.#held.interrupt()
    })
    this.#running = watch({
      signal: this.#stop.signal,
      handle: async ([event]) => (event ? this.#offer(event) : undefined),
      handleDead: async (_events, error) => Promise.reject(error),
      observer: notice => {
        if (notice.type === 'watch.started') onReady()
        observer(notice)
      },
    })
      .catch((error: unknown) => {
        this.#failure = {error}
      })
      .finally(() => {
        onLost(this.#failure?.error ?? new CancelledError('the stream has ended'))
        this.#isOver = true
        this.#stop[Symbol.dispose]()
        this.#news.wake()
      })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<UserEvent, undefined>> {
    if (this.#held?.isTaken === true) this.#held.done()
    for (;;) {
      const held = this.#held
      if (held?.isTaken === false) {
        held.isTaken = true
        return {done: false, value: held.event}
      }
      if (this.#isOver) break
      await this.#news.wait()
    }
    const failure = this.#failure
    this.#failure = undefined
    if (failure) throw failure.error
    return {done: true, value: undefined}
  }

  async return(): Promise<IteratorResult<UserEvent, undefined>> {
    this.#stop.abort(new CancelledError('the stream was closed'))
    this.#held?.interrupt()
    await this.#running
    return {done: true, value: undefined}
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #offer(event: UserEvent): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        if (this.#held === held) this.#held = undefined
        end()
      }
      const held: Held = {
        event,
        isTaken: false,
        done: () => settle(resolve),
        interrupt: () => settle(() => reject(new CancelledError('the stream was closed'))),
      }
      this.#held = held
      this.#news.wake()
    })
  }
}

/**
 * Logs the notices of a stream that has no observer: events that may have been missed, and entries that cannot be
 * handled.
 */
export const logNotices =
  ({logger}: Pick<ConsulClient, 'logger'>) =>
  (notice: EventNotice): void => {
    const {type, ...facts} = notice
    if (type === 'events.missed' || type === 'entry.rejected') logger.warn(facts, type)
  }
