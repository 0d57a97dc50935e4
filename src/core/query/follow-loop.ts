import {BatonError, isBatonError} from '../errors.js'
import {answerTimeoutMs, parkedTimeoutMs} from '../http/caller.js'
import {Backoff} from '../time/backoff.js'
import type {Consistency, ConsulIndex, Snapshot} from '../types.js'
import {judgeIndex, toBlockingIndex, type Verdict} from './index-rules.js'
import {LearntWait} from './learnt-wait.js'
import type {ParkingLot, ParkingPlace} from './parking-lot.js'
import {RateLimiter} from './rate-limiter.js'
import {readOnce} from './read-once.js'
import {RetryPolicy, reactionTo} from './retry-policy.js'
import type {BlockingQuery, Followed, FollowOptions, QueryContext} from './types.js'

const defaultWaitMs = 60_000
const disturbancesAtFullSpeed = 2
/**
 * Interval in milliseconds at which a query is polled if the limit on blocking queries is reached, as Consul's
 * documentation advises.
 */
const pollEveryMs = 15_000

/** Objects that several queries may share. */
export interface FollowShared {
  /** The rate limiter, if several loops follow the same query. */
  readonly limiter?: RateLimiter
  /** Limits the number of blocking queries. Without it, only the transport limits their number. */
  readonly lot?: ParkingLot
}

interface Sent {
  readonly index: ConsulIndex | undefined
  readonly waitMs: number
  readonly atMs: number
  readonly consistency: Consistency | undefined
}

/**
 * Each step sends one request. A request with an index, which is that of the last good answer, waits for a change.
 * Three kinds of steps send no index, so that their request is answered at once: the first step, a step after a
 * failure, and a step after a disturbance. A disturbance is a blocking query that failed, or an answer that may show
 * old state: its index went back (after a restore, after tombstones were reaped, or from a new leader that has not
 * applied its log yet), or it came early without a change (the state store was replaced while the query waited, and the
 * answer shows the old store). An answer that may show old state is never yielded. After an index went back, only the
 * answer of a consistent read is yielded. The loop reads again at once after a single disturbance, and with back-off
 * after a series of them.
 */
export class FollowLoop<T> {
  readonly #query: BlockingQuery<T>
  readonly #context: QueryContext
  readonly #options: FollowOptions & FollowShared
  readonly #limiter: RateLimiter
  readonly #retry: RetryPolicy
  readonly #wait: LearntWait
  readonly #disturbed: Backoff
  /** Index to send with the next request; undefined for a read without index. */
  #index: ConsulIndex | undefined
  /** Index of the last answer that was yielded. */
  #seen: ConsulIndex | undefined
  #wentBack = false
  #isTooStale = false
  #limitedMs = 0

  constructor(query: BlockingQuery<T>, context: QueryContext, options: FollowOptions & FollowShared) {
    this.#query = query
    this.#context = context
    this.#options = options
    this.#limiter = options.limiter ?? new RateLimiter(context.clock.monotonicMs())
    this.#retry = new RetryPolicy(context.random, options.maxPauseMs)
    this.#wait = new LearntWait(options.waitMs ?? defaultWaitMs)
    this.#disturbed = new Backoff({
      maxMs: Math.min(pollEveryMs, options.maxPauseMs ?? pollEveryMs),
      random: context.random,
    })
    if (options.index !== undefined) {
      this.#seen = options.index
      this.#index = toBlockingIndex(options.index)
    }
  }

  /** Resolves with an answer to yield, or with undefined if another step is needed. */
  async step(): Promise<Followed<T> | undefined> {
    this.#options.signal.throwIfAborted()
    const place = this.#index === undefined ? undefined : await this.#park()
    try {
      await this.#pace()
    } catch (error) {
      place?.[Symbol.dispose]()
      throw error
    }
    const nowMs = this.#context.clock.monotonicMs()
    const waitMs = this.#wait.currentMs(nowMs)
    const sent: Sent = {index: this.#index, waitMs, atMs: nowMs, consistency: this.#consistency}
    try {
      const snapshot = await this.#read(sent, place)
      if (this.#refuseStale(snapshot)) return undefined
      const {index} = snapshot
      if (index === undefined) throw noIndex(this.#query.id)
      return sent.index === undefined
        ? await this.#acceptFresh(snapshot, index, sent)
        : await this.#acceptParked(snapshot, index, sent)
    } catch (error) {
      this.#options.signal.throwIfAborted()
      await this.#recover(error, sent)
      return undefined
    }
  }

  get #consistency(): Consistency | undefined {
    if (this.#wentBack) return 'consistent'
    if (this.#isTooStale) return 'default'
    const {consistency, freshConsistency = consistency} = this.#options
    return this.#index === undefined ? freshConsistency : consistency
  }

  /**
   * If the limit on blocking queries is reached, pauses and tries once more. If it is still reached, the next read has
   * no index, so that it does not block.
   */
  async #park(): Promise<ParkingPlace | undefined> {
    const {lot, signal} = this.#options
    if (!lot) return undefined
    const place = lot.take()
    if (place) return place
    const pauseMs = Math.min(this.#wait.currentMs(this.#context.clock.monotonicMs()), pollEveryMs)
    await this.#context.clock.sleep(pauseMs * (0.75 + this.#context.random() / 2), signal)
    const later = lot.take()
    if (!later) this.#index = undefined
    return later
  }

  async #pace(): Promise<void> {
    const {clock} = this.#context
    const delayMs = this.#limiter.take(clock.monotonicMs())
    if (delayMs <= 0) return
    this.#limitedMs += delayMs
    this.#options.onStatus?.({type: 'limited', delayMs, totalMs: this.#limitedMs})
    await clock.sleep(delayMs, this.#options.signal)
  }

  /**
   * Stops counting the blocking query as soon as its answer has arrived, because a query that is backing off holds no
   * connection to the agent.
   */
  async #read(sent: Sent, place: ParkingPlace | undefined): Promise<Snapshot<T>> {
    const {signal, onRequest} = this.#options
    const {consistency} = sent
    const freshMs = this.#query.answerTimeoutMs ?? answerTimeoutMs
    const timeoutMs = sent.index === undefined ? freshMs : parkedTimeoutMs(sent.waitMs) + freshMs - answerTimeoutMs
    onRequest?.(sent.atMs)
    try {
      return await readOnce(this.#query, this.#context, {
        signal,
        timeoutMs,
        ...(consistency !== undefined && {consistency}),
        ...(sent.index !== undefined && {index: sent.index, waitMs: sent.waitMs}),
      })
    } catch (error) {
      const isAbandoned = signal.aborted || isBatonError(error, 'BATON_TIMEOUT')
      if (isAbandoned) place?.abandon(sent.atMs + (sent.waitMs * 17) / 16)
      throw error
    } finally {
      place?.[Symbol.dispose]()
    }
  }

  /**
   * Returns true if an answer to a stale read is too old; the next read then asks the leader. Consul itself
   * ignores `max_stale` for keys.
   */
  #refuseStale(snapshot: Snapshot<T>): boolean {
    const {maxStaleMs} = this.#options
    const isTooStale =
      maxStaleMs !== undefined &&
      !this.#isTooStale &&
      snapshot.lastContactMs !== undefined &&
      snapshot.lastContactMs > maxStaleMs
    this.#isTooStale = isTooStale
    if (isTooStale) this.#index = undefined
    return isTooStale
  }

  async #acceptFresh(snapshot: Snapshot<T>, index: ConsulIndex, sent: Sent): Promise<Followed<T> | undefined> {
    const verdict = this.#seen === undefined ? undefined : judgeIndex(this.#query.indexRule, this.#seen, index, false)
    if (verdict === 'reset' && sent.consistency !== 'consistent') {
      await this.#distrust(verdict, index, sent)
      return undefined
    }
    const kind = this.#kindOfFresh(verdict)
    this.#adopt(index)
    return {kind, snapshot}
  }

  #kindOfFresh(verdict: Verdict | undefined): Followed<T>['kind'] {
    if (verdict === undefined) return 'first'
    if (this.#wentBack || verdict === 'reset') return 'reset'
    if (this.#retry.failures > 0) return 'recovered'
    return verdict === 'changed' ? 'changed' : 'unchanged'
  }

  async #acceptParked(snapshot: Snapshot<T>, index: ConsulIndex, sent: Sent): Promise<Followed<T> | undefined> {
    const ageMs = this.#context.clock.monotonicMs() - sent.atMs
    const verdict = judgeIndex(
      this.#query.indexRule,
      sent.index ?? index,
      toBlockingIndex(index),
      ageMs < sent.waitMs * 0.95,
    )
    if (verdict === 'changed' || verdict === 'unchanged') {
      this.#wait.survived(ageMs)
      this.#disturbed.reset()
      this.#adopt(index)
      return {kind: verdict, snapshot}
    }
    await this.#distrust(verdict, index, sent)
    return undefined
  }

  async #distrust(verdict: 'early' | 'reset', index: ConsulIndex, {atMs}: Sent): Promise<void> {
    const {clock, logger} = this.#context
    const ageMs = clock.monotonicMs() - atMs
    logger.debug({query: this.#query.id, verdict, index, ageMs}, 'query disturbed, reading afresh')
    if (verdict === 'early') this.#wait.cut(ageMs, clock.monotonicMs())
    else this.#wentBack = true
    this.#index = undefined
    const delayMs = this.#beforeSilence(this.#disturbanceMs(), atMs)
    if (delayMs > 0) await clock.sleep(delayMs, this.#options.signal)
  }

  /**
   * Counts a disturbance (a failed blocking query, or an answer that may show old state). Returns the pause after it,
   * which is 0 for the first two disturbances in a row.
   */
  #disturbanceMs(): number {
    const delayMs = this.#disturbed.next()
    return this.#disturbed.attempts > disturbancesAtFullSpeed ? delayMs : 0
  }

  /**
   * Shortens the pause so that the next request is sent no later than a blocking query would have timed out if it had
   * been sent in place of the last request.
   */
  #beforeSilence(pauseMs: number, sentAtMs: number): number {
    const silentAtMs = sentAtMs + parkedTimeoutMs(this.#options.waitMs ?? defaultWaitMs)
    return Math.min(pauseMs, Math.max(0, silentAtMs - this.#context.clock.monotonicMs()))
  }

  #adopt(index: ConsulIndex): void {
    this.#seen = index
    this.#index = toBlockingIndex(index)
    this.#wentBack = false
    this.#retry.reset()
  }

  async #recover(error: unknown, sent: Sent): Promise<void> {
    const {clock, logger} = this.#context
    const reaction = reactionTo(error, this.#seen !== undefined)
    if (reaction === 'fatal') throw error
    const nowMs = clock.monotonicMs()
    const isCut = sent.index !== undefined && reaction === 'transient' && !isBatonError(error, 'BATON_TIMEOUT')
    if (isCut && this.#wait.cut(nowMs - sent.atMs, nowMs)) {
      logger.info(
        {query: this.#query.id, waitMs: this.#wait.currentMs(nowMs)},
        'agent cuts parked queries, asking for less',
      )
    }
    this.#index = undefined
    const backoffMs = this.#retry.nextMs(reaction, error)
    // Reads without an index may succeed while blocking queries fail, so a series of failed blocking queries slows the
    // loop down to polling.
    const pauseMs = Math.max(backoffMs, sent.index === undefined ? 0 : this.#disturbanceMs())
    const delayMs = this.#beforeSilence(pauseMs, sent.atMs)
    logger.debug({query: this.#query.id, attempt: this.#retry.failures, delayMs, err: error}, 'query failed')
    if (backoffMs > 0) this.#options.onStatus?.({type: 'retrying', attempt: this.#retry.failures, delayMs, error})
    if (delayMs > 0) await clock.sleep(delayMs, this.#options.signal)
  }
}

const noIndex = (id: string): BatonError =>
  new BatonError('BATON_BAD_ANSWER', `${id}: the answer carries no index`, {
    hint: 'does the address belong to a Consul agent?',
  })
