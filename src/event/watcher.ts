import {linkSignal} from '../core/cancel/link-signal.js'
import type {ConsulClient} from '../core/client.js'
import {UsageError} from '../core/errors.js'
import {follow} from '../core/query/follow.js'
import {events as eventTopic} from '../core/query/topics.js'
import type {FollowStatus} from '../core/query/types.js'
import type {ConsulIndex, UserEvent} from '../core/types.js'
import {Coalescer} from './coalescer.js'
import {Dispatcher, type DispatchOptions} from './dispatcher.js'
import type {EventState} from './event-state.js'
import {OrderWindow} from './order-window.js'
import type {PendingEvent} from './types.js'

/** Events an agent keeps, whatever their names. */
const ringSize = 256

/** Where a first watch begins: with what comes, with all the agent still has, or after one event of the list. */
export type StartPoint = 'now' | 'earliest' | {readonly afterId: string}

export interface EventWatchOptions
  extends Pick<
    DispatchOptions,
    'handle' | 'concurrency' | 'batch' | 'retries' | 'retryDelayMs' | 'onDead' | 'onRetry'
  > {
  readonly state: EventState
  readonly signal: AbortSignal
  /** Which events are for this handler. @default all */
  readonly accepts?: (event: UserEvent) => boolean
  /** Ignored when the state remembers an earlier watch. @default 'now' */
  readonly from?: StartPoint
  /** What happens to events whose handler had been started before a crash. @default 'rerun' */
  readonly onCrash?: 'rerun' | 'skip'
  /** How long events wait for earlier ones. @default 0 */
  readonly orderWindowMs?: number
  readonly coalesce?: {readonly periodMs: number; readonly quietMs: number}
  /** Called when the ring has turned over between two looks: some events were never seen. */
  readonly onOverflow?: (facts: {readonly listed: number; readonly newest: string}) => void
  readonly onStatus?: (status: FollowStatus) => void
  /** Called after the first list: from now on nothing is missed. */
  readonly onReady?: (listed: number) => void
}

/** What both the live watch and a list from elsewhere go through: recording, sorting, handing over. */
export class EventIntake {
  readonly #options: EventWatchOptions
  readonly #dispatcher: Dispatcher
  readonly #window: OrderWindow<PendingEvent>
  readonly #coalescer: Coalescer<PendingEvent> | undefined
  #listed: ReadonlySet<string> = new Set()
  #isFirst = true
  /** Of the newest list. */
  index: ConsulIndex | undefined

  private constructor(client: Pick<ConsulClient, 'clock'>, options: EventWatchOptions, dispatcher: Dispatcher) {
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
    options: EventWatchOptions,
  ): Promise<EventIntake> {
    const {clock, random} = client
    const dispatcher = await Dispatcher.create({...options, clock, random})
    return new EventIntake(client, options, dispatcher)
  }

  get failed(): Promise<never> {
    return this.#dispatcher.failed
  }

  /** Takes up what an earlier watch left behind: first what it had begun, then the rest in order. */
  async resume(): Promise<void> {
    const {state, onCrash = 'rerun'} = this.#options
    const pending = state.pending()
    const begun = pending.filter(item => item.restarted)
    if (onCrash === 'rerun') this.#dispatch(begun)
    else {
      await state.finish(
        begun.map(item => item.event.id),
        'skipped',
      )
    }
    this.#window.add(pending.filter(item => !item.restarted))
  }

  #dispatch(items: readonly PendingEvent[]): void {
    this.#dispatcher.add(items.map(item => item.event))
  }

  /** Records what is new in a list, durably, and passes it on. */
  async receive(list: readonly UserEvent[]): Promise<void> {
    const {state, accepts = () => true} = this.#options
    const wanted = list.filter(accepts)
    if (this.#isFirst && state.isNew) await this.#begin(wanted)
    else this.#checkOverflow(list)
    this.#isFirst = false
    const fresh = wanted.filter((event, at) => !state.has(event.id) && wanted.findIndex(e => e.id === event.id) === at)
    await state.take(fresh)
    this.#window.add(fresh.map(event => ({event, restarted: false})))
    this.#listed = new Set(list.map(event => event.id))
    await state.prune(this.#listed)
  }

  async #begin(wanted: readonly UserEvent[]): Promise<void> {
    const {state, from = 'now'} = this.#options
    if (from === 'earliest') return
    const last = from === 'now' ? wanted.length - 1 : wanted.findIndex(event => event.id === from.afterId)
    if (from !== 'now' && last < 0) {
      throw new UsageError(`event ${from.afterId}: the agent does not list it`, {
        hint: "--from earliest takes all it has; see 'baton event list'",
      })
    }
    await state.finish(
      wanted.slice(0, last + 1).map(event => event.id),
      'seen',
    )
  }

  /** A full ring that holds nothing known has turned over: between it and what was known, events may have passed unseen. */
  #checkOverflow(list: readonly UserEvent[]): void {
    const {state} = this.#options
    if (list.length < ringSize || (this.#listed.size === 0 && state.size === 0)) return
    if (list.some(event => this.#listed.has(event.id) || state.has(event.id))) return
    this.#options.onOverflow?.({listed: list.length, newest: list.at(-1)?.id ?? ''})
  }

  #drop(item: PendingEvent): void {
    this.#options.state.finish([item.event.id], 'coalesced').catch(() => undefined)
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

/**
 * Hands every event that reaches the agent to the handler, across restarts when the state has a file: with
 * `rerun` at least once, with `skip` at most once. Outages are outlived.
 * Runs until the signal aborts (then resolves, after the handlers under way) or something cannot be mended (then rejects).
 */
export async function watchEvents(client: ConsulClient, options: EventWatchOptions): Promise<void> {
  using stop = linkSignal(options.signal)
  const intake = await EventIntake.create(client, {...options, signal: stop.signal})
  const failed = intake.failed.catch((error: unknown) => {
    stop.abort(error)
    throw error
  })
  failed.catch(() => undefined)
  try {
    await intake.resume()
    let isFirst = true
    const {onStatus} = options
    for await (const {snapshot} of follow(eventTopic(client), client, {
      signal: stop.signal,
      ...(onStatus && {onStatus}),
    })) {
      await intake.receive(snapshot.value)
      if (isFirst) options.onReady?.(snapshot.value.length)
      isFirst = false
    }
  } catch (error) {
    if (!options.signal.aborted) {
      stop.abort(error)
      throw error
    }
  } finally {
    await intake.close()
  }
}
