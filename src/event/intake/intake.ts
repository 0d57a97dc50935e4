import {linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {UsageError} from '../../core/errors.js'
import type {UserEvent} from '../../core/types.js'
import type {PendingEvent} from '../types.js'
import {Coalescer} from './coalescer.js'
import {Dispatcher, type DispatchOptions} from './dispatcher.js'
import type {EventState} from './event-state.js'
import {OrderWindow} from './order-window.js'

/** Where a first watch starts: with new events, with every event still listed, or with the events after a given one. */
export type StartPoint = 'now' | 'earliest' | {readonly afterId: string}

/** Options that control which events a watch accepts, and how it handles them. */
export interface EventIntakeOptions
  extends Pick<
    DispatchOptions,
    'handle' | 'concurrency' | 'isBatched' | 'retryCount' | 'retryDelayMs' | 'handleDead' | 'observer'
  > {
  /** The record of events. It must belong to the agent or the log that is followed. */
  readonly state: EventState
  /** Ends the watch after stopping the handlers in progress. */
  readonly signal: AbortSignal
  /** Returns true for events that the handler should receive. @default all */
  readonly accepts?: (event: UserEvent) => boolean
  /** Where a first watch starts. Ignored if the state contains the record of an earlier watch. @default 'now' */
  readonly from?: StartPoint
  /**
   * What to do with an event whose handler had started before a crash: run the handler again, or skip the event.
   * @default 'rerun'
   */
  readonly afterCrash?: 'rerun' | 'skip'
  /**
   * Time in milliseconds for which an event waits, so that earlier events that arrive later can be handled first.
   * @default 0
   */
  readonly orderWindowMs?: number
  /**
   * Passes on only the newest event of each name, when no event of that name has arrived for `quietMs`, or when
   * `periodMs` have passed since the first one.
   * @default every event is passed on
   */
  readonly coalesce?: {readonly periodMs: number; readonly quietMs: number}
  /**
   * Stops reading while this number of events or more wait for handlers. In the meantime the agent may drop events,
   * which the watch reports. A durable log keeps its events.
   * @default no limit
   */
  readonly maxWaiting?: number
}

/**
 * Receives lists of events. New events are recorded, wait in the order window, pass through the coalescer if there is
 * one, and reach the dispatcher, which runs their handlers.
 */
export class EventIntake {
  readonly #options: EventIntakeOptions
  readonly #dispatcher: Dispatcher
  readonly #window: OrderWindow<PendingEvent>
  readonly #coalescer: Coalescer<PendingEvent> | undefined
  #isFirst = true

  private constructor(client: Pick<ConsulClient, 'clock'>, options: EventIntakeOptions, dispatcher: Dispatcher) {
    this.#options = options
    this.#dispatcher = dispatcher
    const {clock} = client
    const release = (items: readonly PendingEvent[]): void => this.#dispatch(items)
    this.#coalescer = options.coalesce
      ? new Coalescer({clock, ...options.coalesce, release, dropped: item => this.#drop(item)})
      : undefined
    this.#window = new OrderWindow({
      clock,
      windowMs: options.orderWindowMs ?? 0,
      release: items => (this.#coalescer ? this.#coalescer.add(items) : release(items)),
    })
  }

  static async create(
    client: Pick<ConsulClient, 'clock' | 'random'>,
    options: EventIntakeOptions,
  ): Promise<EventIntake> {
    const {clock, random} = client
    const dispatcher = await Dispatcher.create({...options, clock, random})
    return new EventIntake(client, options, dispatcher)
  }

  get failed(): Promise<never> {
    return this.#dispatcher.failed
  }

  /**
   * Resumes the events that an earlier watch left unfinished: first the events whose handlers it had started, then the
   * others in order.
   */
  async resume(): Promise<void> {
    const {state, afterCrash = 'rerun'} = this.#options
    const pending = state.pending()
    const begun = pending.filter(item => item.isRestarted)
    if (afterCrash === 'rerun') this.#dispatch(begun)
    else {
      await state.finish(
        begun.map(item => item.event.id),
        'skipped',
      )
    }
    this.#window.add(pending.filter(item => !item.isRestarted))
  }

  #dispatch(items: readonly PendingEvent[]): void {
    this.#dispatcher.add(items.map(item => item.event))
  }

  /**
   * Records the new events of a list on disk and passes them on. IDs that are missing from `listed` may be removed from
   * the record.
   */
  async receive(list: readonly UserEvent[], listed = idsOf(list)): Promise<void> {
    const {state, accepts = () => true} = this.#options
    const wanted = list.filter(accepts)
    const isBeginning = this.#isFirst && state.isNew
    if (isBeginning) await this.#begin(wanted)
    this.#isFirst = false
    const unknown = wanted.filter(event => !state.has(event.id))
    // The same event may be in a list twice.
    const fresh = [...new Map(unknown.map(event => [event.id, event])).values()]
    await state.take(fresh)
    if (isBeginning) await state.begin()
    this.#window.add(fresh.map(event => ({event, isRestarted: false})))
    await state.prune(listed)
  }

  async #begin(wanted: readonly UserEvent[]): Promise<void> {
    const {state, from = 'now'} = this.#options
    if (from === 'earliest') return
    const last = from === 'now' ? wanted.length - 1 : wanted.findIndex(event => event.id === from.afterId)
    if (from !== 'now' && last < 0) {
      throw new UsageError(`event ${from.afterId}: is not listed`, {
        hint: "`from: 'earliest'` takes every event that is listed",
      })
    }
    await state.finish(
      wanted.slice(0, last + 1).map(event => event.id),
      'seen',
    )
  }

  #drop(item: PendingEvent): void {
    this.#options.state.finish([item.event.id], 'coalesced').catch(() => undefined)
  }

  /** Resolves when fewer than `maxWaiting` events wait. */
  async room(): Promise<void> {
    const {maxWaiting} = this.#options
    if (maxWaiting !== undefined) await this.#dispatcher.room(maxWaiting)
  }

  idle(): Promise<void> {
    return this.#dispatcher.idle()
  }

  async close(): Promise<void> {
    this.#window[Symbol.dispose]()
    this.#coalescer?.[Symbol.dispose]()
    await this.#dispatcher.close()
  }
}

const idsOf = (list: readonly UserEvent[]): ReadonlySet<string> => new Set(list.map(event => event.id))

/**
 * Resumes the events that an earlier watch left unfinished, then calls `feed`, which passes lists of events to the
 * intake. Resolves when the signal has aborted and the handlers in progress have ended. Rejects if `feed` rejects, or
 * on a failure that retrying cannot fix.
 */
export async function runIntake(
  client: Pick<ConsulClient, 'clock' | 'random'>,
  options: EventIntakeOptions,
  feed: (intake: EventIntake, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  using stop = linkSignal(options.signal)
  const intake = await EventIntake.create(client, {...options, signal: stop.signal})
  intake.failed.catch((error: unknown) => stop.abort(error))
  try {
    await intake.resume()
    await feed(intake, stop.signal)
    stop.signal.throwIfAborted()
  } catch (error) {
    if (!options.signal.aborted) {
      stop.abort(error)
      throw error
    }
  } finally {
    await intake.close()
  }
}
