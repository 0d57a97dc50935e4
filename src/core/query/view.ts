import {abortSignal, callback, checkOptions, type OptionRule, object} from '../check-options.js'
import {CancelledError} from '../errors.js'
import type {Snapshot, Timer} from '../types.js'
import {AppendOnlyTracker, type Change, diffEntries} from './diff.js'
import {type Doubt, EmptyGuard} from './empty-guard.js'
import {type Entries, toEntries} from './entries.js'
import {FollowLoop, type FollowShared} from './follow-loop.js'
import {RateLimiter} from './rate-limiter.js'
import {toMark, type ViewCore} from './readers.js'
import {ViewSubscription} from './subscription.js'
import type {
  BlockingQuery,
  FollowOptions,
  FollowStatus,
  QueryContext,
  SubscribeOptions,
  Subscription,
  View,
  ViewStats,
  ViewStatus,
} from './types.js'
import {ViewLog} from './view-log.js'

export interface ViewOptions
  extends Pick<FollowShared, 'lot'>,
    Pick<FollowOptions, 'waitMs' | 'maxStaleMs' | 'freshConsistency'> {
  /** Milliseconds for which the view continues to read after its last subscriber has left. */
  readonly lingerMs: number
  /** Returns the view that replaces this one after this one has stopped. */
  readonly successor: () => View<unknown>
  readonly onStopped: () => void
}

const limitedRestMs = 1000

const resumeRule: OptionRule = {
  expected: 'a token of a subscription',
  accepts: value => object.accepts(value) && Number.isFinite((value as {readonly seq?: unknown}).seq),
}
const subscribeRules = {signal: abortSignal, resume: resumeRule, filter: callback}

/**
 * Reads while it has subscribers and for `lingerMs` afterwards, because the agent would serve an abandoned request to
 * its end anyway and the next subscriber often comes soon. Then it stops forever; later subscribers use its successor.
 * Each confirmed answer is compared with the previous one. A difference becomes one batch of the log with a new `seq`;
 * without a difference only `current` is replaced. If Consul's data went back to an earlier state, the log is discarded
 * and a new epoch begins, so that every reader starts again with a snapshot.
 */
export class SharedView<T, Item> implements View<T, Item>, ViewCore<T, Item> {
  readonly id: string
  readonly log = new ViewLog<Item>()
  current: Snapshot<T> | undefined
  entries: Entries<Item> = new Map()
  epoch: number
  status: ViewStatus = {state: 'connecting', error: undefined}
  readonly stats: {-readonly [Name in keyof ViewStats]: ViewStats[Name]} = {
    requests: 0,
    changes: 0,
    failures: 0,
    limitedMs: 0,
  }
  readonly #query: BlockingQuery<T, Item>
  readonly #context: QueryContext
  readonly #options: ViewOptions
  readonly #limiter: RateLimiter
  readonly #guard: EmptyGuard<T>
  readonly #tracker: AppendOnlyTracker<Item> | undefined
  readonly #subscribers = new Set<ViewSubscription<T, Item>>()
  readonly #stop = new AbortController()
  #loop: Promise<void> | undefined
  #lingering: Timer | undefined
  #limited: Timer | undefined
  #limitedSinceMs: number | undefined

  constructor(query: BlockingQuery<T, Item>, context: QueryContext, options: ViewOptions) {
    this.id = query.id
    this.#query = query
    this.#context = context
    this.#options = options
    this.#limiter = new RateLimiter(context.clock.monotonicMs())
    this.#guard = new EmptyGuard(query, context)
    this.#tracker = query.appendOnly === true ? new AppendOnlyTracker() : undefined
    // The epoch contains the time, so that a resume token of an earlier view with the same ID does not match.
    this.epoch = Math.floor(context.clock.wallMs())
  }

  subscribe(options: SubscribeOptions<Item> = {}): Subscription<T, Item> {
    checkOptions('subscribe', options, subscribeRules)
    if (this.#stop.signal.aborted) return (this.#options.successor() as View<T, Item>).subscribe(options)
    this.#lingering?.[Symbol.dispose]()
    const subscription = new ViewSubscription<T, Item>(this, options, left => this.#leave(left))
    this.#subscribers.add(subscription)
    if (options.signal?.aborted) subscription.close()
    else this.#loop ??= this.#run()
    return subscription
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(new CancelledError('view closed'))
    await this.#loop
  }

  #leave(subscription: ViewSubscription<T, Item>): void {
    this.#subscribers.delete(subscription)
    if (this.#subscribers.size > 0 || this.#stop.signal.aborted) return
    const {lingerMs} = this.#options
    const stop = (): void => this.#end(new CancelledError('the view has no subscribers'))
    if (lingerMs === 0) stop()
    else this.#lingering = this.#context.clock.timer(lingerMs, stop, {ref: false})
  }

  #end(reason: unknown): void {
    if (this.#stop.signal.aborted) return
    this.#lingering?.[Symbol.dispose]()
    this.#limited?.[Symbol.dispose]()
    this.#stop.abort(reason)
    for (const subscription of this.#subscribers) subscription.close()
    this.#options.onStopped()
  }

  async #run(): Promise<void> {
    const {signal} = this.#stop
    const {waitMs, maxStaleMs, freshConsistency, lot} = this.#options
    try {
      const loop = new FollowLoop<T>(this.#query, this.#context, {
        signal,
        limiter: this.#limiter,
        onStatus: status => this.#onFollowStatus(status),
        onRequest: () => {
          this.stats.requests += 1
        },
        ...(lot && {lot}),
        ...(waitMs !== undefined && {waitMs}),
        ...(maxStaleMs !== undefined && {maxStaleMs}),
        ...(freshConsistency && {freshConsistency}),
      })
      for (;;) {
        const answer = await loop.step()
        if (!answer) continue
        const {snapshot, kind} = answer
        const entries = toEntries(this.#query.entries(snapshot.value))
        const isSuspicious = kind === 'reset' || kind === 'recovered'
        const doubt = this.#guard.doubt(snapshot, entries, this.#known())
        if (doubt) await this.#confirm({answer: snapshot, doubt}, isSuspicious)
        else this.#publish(snapshot, entries, isSuspicious)
        await readersTurn()
      }
    } catch (error) {
      if (signal.aborted) return
      this.#setStatus({state: 'failed', error})
      this.#end(error)
    }
  }

  #known(): Entries<Item> | undefined {
    return this.current === undefined ? undefined : this.entries
  }

  async #confirm(
    doubtful: {readonly answer: Snapshot<T>; readonly doubt: Doubt},
    isSuspicious: boolean,
  ): Promise<void> {
    const snapshot = await this.#guard.confirm(doubtful, this.#known(), {
      signal: this.#stop.signal,
      pace: () => this.#pace(),
      onHeld: reason => this.#setStatus({state: 'held', reason}),
      onStatus: status => this.#onFollowStatus(status),
    })
    this.#publish(snapshot, toEntries(this.#query.entries(snapshot.value)), isSuspicious)
  }

  #publish(snapshot: Snapshot<T>, entries: Entries<Item>, isSuspicious: boolean): void {
    const isFirst = this.current === undefined
    const before = this.entries
    this.current = snapshot
    this.entries = entries
    const {changes, wentBack} = this.#compare(isFirst ? undefined : before, isSuspicious)
    if (isFirst || wentBack) {
      if (wentBack) this.epoch += 1
      this.log.cut()
    } else if (changes.length > 0) this.log.append(changes, this.entries.size)
    if (isFirst || wentBack || changes.length > 0) {
      this.stats.changes += 1
      this.#wakeAll()
    }
    if (this.status.state !== 'limited') this.#setStatus({state: 'live', lastContactMs: snapshot.lastContactMs})
  }

  #compare(
    before: Entries<Item> | undefined,
    isSuspicious: boolean,
  ): {readonly changes: readonly Change<Item>[]; readonly wentBack: boolean} {
    if (this.#tracker) return {changes: this.#tracker.changes(this.entries), wentBack: false}
    // The first answer is delivered as a snapshot, so it has no changes.
    if (!before) return {changes: [], wentBack: false}
    return diffEntries(before, this.entries, isSuspicious)
  }

  async #pace(): Promise<void> {
    const {clock} = this.#context
    const delayMs = this.#limiter.take(clock.monotonicMs())
    this.stats.requests += 1
    this.stats.limitedMs += delayMs
    if (delayMs > 0) await clock.sleep(delayMs, this.#stop.signal)
  }

  #onFollowStatus(status: FollowStatus): void {
    if (status.type === 'limited') {
      this.stats.limitedMs += status.delayMs
      if (this.current) this.#setLimited(status.delayMs)
      return
    }
    this.stats.failures += 1
    const {error} = status
    this.#setStatus(
      this.current ? {state: 'stale', sinceMs: this.current.sentAtMs, error} : {state: 'connecting', error},
    )
  }

  /**
   * While items change constantly, the limiter delays request after request. These delays are reported as one state,
   * `limited`, which begins after a second of delays and ends when the limiter has not delayed a request for a while.
   */
  #setLimited(delayMs: number): void {
    const {clock} = this.#context
    const nowMs = clock.monotonicMs()
    this.#limitedSinceMs ??= nowMs
    if (nowMs - this.#limitedSinceMs >= limitedRestMs) this.#setStatus({state: 'limited', delayMs})
    this.#limited?.[Symbol.dispose]()
    const rest = (): void => {
      this.#limitedSinceMs = undefined
      if (this.status.state === 'limited') {
        this.#setStatus({state: 'live', lastContactMs: this.current?.lastContactMs})
      }
    }
    this.#limited = clock.timer(delayMs + limitedRestMs, rest, {ref: false})
  }

  #setStatus(status: ViewStatus): void {
    const isNews = toMark(status) !== toMark(this.status)
    this.status = status
    if (isNews) this.#wakeAll()
  }

  #wakeAll(): void {
    for (const subscription of this.#subscribers) subscription.wake()
  }
}

/** Preparing the next request is the slowest step after an answer, so the readers run first. */
const readersTurn = (): Promise<void> => new Promise(resolve => process.nextTick(resolve))
