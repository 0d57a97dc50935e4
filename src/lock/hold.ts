import {linkSignal} from '../core/cancel/link-signal.js'
import {checkOptions, type OptionRule} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {isTransient, LockLostError, messageOf, SessionLostError} from '../core/errors.js'
import {follow} from '../core/query/follow.js'
import {formatDuration} from '../core/time/duration.js'
import type {CallOptions, ConsulIndex, FencingToken, KvOperation, SessionId, TxnResult} from '../core/types.js'
import {Alarm, sleepUntil} from '../session/alarm.js'
import type {Session, SessionEvent} from '../session/types.js'
import {commitFenced} from './claim.js'
import {deletedContender, deletedKey, type Evidence, type Grant} from './kind.js'
import {type LeaseDeadline, type LeaseProofs, type LeaseShape, leaseDeadline, proveEveryMs} from './lease.js'
import {signalRules} from './option-rules.js'
import type {Hold, LockEvent, ReleaseReport} from './types.js'

const list: OptionRule = {expected: 'an array of operations', accepts: Array.isArray}
const monitorWaitMs = 60_000
/** Delay before the blocking query on the key starts, so that shorter holds open no connection for it. */
const monitorAfterMs = 50
const releaseWithinMs = 3000
const releaseAttemptMs = 1500
const findOutWithinMs = 1000
/** Time limit for finding out why the key is gone: short, so that the deadline for stopping the work is still met. */
const explainWithinMs = 200
const destroyWithinMs = 2000
const retryMs = 100

interface LeasedHoldOptions {
  readonly client: ConsulClient
  readonly prefix: string
  /** Prefixes of further mutexes of this hold. */
  readonly also?: readonly string[] | undefined
  readonly keys: readonly [string, ...string[]]
  readonly session: Session
  readonly grant: Grant
  readonly shape: LeaseShape
  readonly now: () => number
  /** Finds out whether only the TTL can end the session. Undefined if the answer would not change the deadline. */
  readonly learnTtlOnly: ((signal: AbortSignal) => Promise<boolean>) | undefined
  readonly observer: (event: LockEvent) => void
  /** Called with the first deadline and whenever it changes. */
  readonly onDeadline: (deadline: LeaseDeadline) => void
}

/**
 * A hold is a lock that is held. It ends when it is lost or released; after a loss, it is also released. It is lost if
 * Consul reports that the session is gone, if a consistent read shows that the session does not hold the lock, or if
 * the deadline passes. At the deadline the work must stop, so that it has ended before another contender may hold the
 * lock. Failed and refused requests alone are not a loss, because the deadline covers them.
 */
export class LeasedHold implements Hold {
  readonly prefix: string
  readonly key: string
  readonly keys: readonly string[]
  readonly session: SessionId
  readonly token: FencingToken
  readonly #options: LeasedHoldOptions
  readonly #lost = new AbortController()
  readonly #stopped = new AbortController()
  readonly #alarm: Alarm
  readonly #loops: Promise<void>
  readonly #acquiredAtMs: number
  #shape: LeaseShape
  #proofs: LeaseProofs
  #isShapeKnown: boolean
  #lastError: unknown
  #released: Promise<ReleaseReport> | undefined
  #alongside: readonly KvOperation[] = []
  /** True if Consul reported that the lock is lost. */
  #isGone = false
  /** True if a consistent read did not find the session. */
  #isSessionEnded = false

  constructor(options: LeasedHoldOptions) {
    const {grant, session, client, now} = options
    this.#options = options
    this.prefix = options.prefix
    this.keys = options.keys
    this.key = options.keys[0]
    this.session = session.id
    this.token = grant.token
    this.#shape = options.shape
    this.#isShapeKnown = options.learnTtlOnly === undefined
    this.#acquiredAtMs = grant.sentAtMs
    this.#proofs = {renewedAtMs: session.provenAtMs, seenAtMs: grant.sentAtMs}
    this.#alarm = new Alarm({clock: client.clock, now, ring: () => this.#loseUnproven()})
    this.#setAlarm(this.deadline)
    session.renewEvery(proveEveryMs(this.#shape))
    this.#loops = this.#watch()
  }

  get signal(): AbortSignal {
    return this.#lost.signal
  }

  get deadline(): LeaseDeadline {
    return leaseDeadline(this.#shape, this.#proofs)
  }

  async assertHeld(options: {readonly signal?: AbortSignal} = {}): Promise<void> {
    checkOptions('assertHeld', options, signalRules)
    this.signal.throwIfAborted()
    await this.#look(options)
    this.signal.throwIfAborted()
    if (this.#released) throw new LockLostError(`lock ${this.prefix}: it was released`)
  }

  /** Called by the owner of the session for each of its events. */
  handleSessionEvent(event: SessionEvent): void {
    switch (event.type) {
      case 'session.renewed':
        this.#handleRenewed(event.sentAtMs)
        break
      case 'session.degraded':
        this.#handleDegraded(event.error)
        break
      case 'session.doubted':
        this.#handleDoubt(true)
        break
      case 'session.confirmed':
        this.#handleDoubt(false)
        break
    }
  }

  #handleRenewed(sentAtMs: number): void {
    if (this.#stopped.signal.aborted) return
    this.#prove({renewedAtMs: sentAtMs})
    this.#learnShapeOnce()
  }

  #handleDegraded(error: unknown): void {
    if (this.#stopped.signal.aborted) return
    this.#lastError = error
    this.#options.observer({type: 'lease.degraded', error, deadline: this.deadline})
    // How long the hold lasts may depend on whether the agent is a server. The agent can answer that even while it
    // cannot reach the cluster.
    this.#learnShapeOnce()
  }

  /** Shortens the deadline while it is uncertain whether the session has ended. */
  #handleDoubt(isDoubted: boolean): void {
    if (this.#lost.signal.aborted || this.#stopped.signal.aborted) return
    this.#proofs = {...this.#proofs, isDoubted}
    const {deadline} = this
    this.#setAlarm(deadline)
    const error = new SessionLostError(`session ${this.session}: Consul does not know it`)
    this.#options.observer(isDoubted ? {type: 'lease.degraded', error, deadline} : {type: 'lease.renewed', deadline})
  }

  async commit(operations: readonly KvOperation[], options: {readonly signal?: AbortSignal} = {}): Promise<TxnResult> {
    checkOptions('commit', {operations}, {operations: list}, ['operations'])
    checkOptions('commit', options, signalRules)
    this.signal.throwIfAborted()
    if (this.#released) throw new LockLostError(`lock ${this.prefix}: it was released`)
    const {client, shape, also = []} = this.#options
    const mode = shape.hasLockDelay ? 'mutex' : 'semaphore'
    return commitFenced(client, {prefix: this.prefix, also, session: this.session, mode}, operations, options)
  }

  remainingMs(): number {
    const isOver = this.signal.aborted || this.#released !== undefined
    return isOver ? 0 : Math.max(0, this.deadline.termAtMs - this.#options.now())
  }

  /** Adds writes to the transaction that releases the lock. */
  writeAtRelease(operations: readonly KvOperation[]): void {
    this.#alongside = operations
  }

  release(): Promise<ReleaseReport> {
    this.#released ??= this.#release()
    return this.#released
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }

  #prove(proofs: Partial<LeaseProofs>): void {
    const {renewedAtMs, seenAtMs} = this.#proofs
    const before = this.deadline.termAtMs
    const isNews = (proofs.renewedAtMs ?? 0) > renewedAtMs || (proofs.seenAtMs ?? 0) > seenAtMs
    this.#proofs = {
      renewedAtMs: Math.max(renewedAtMs, proofs.renewedAtMs ?? 0),
      seenAtMs: Math.max(seenAtMs, proofs.seenAtMs ?? 0),
      isDoubted: this.#proofs.isDoubted === true && !isNews,
    }
    if (this.#lost.signal.aborted || this.#stopped.signal.aborted) return
    const {deadline} = this
    if (deadline.termAtMs === before && proofs.renewedAtMs === undefined) return
    this.#setAlarm(deadline)
    this.#options.observer({type: 'lease.renewed', deadline})
  }

  #setAlarm(deadline: LeaseDeadline): void {
    this.#alarm.set(deadline.termAtMs)
    this.#options.onDeadline(deadline)
  }

  #lose(why: string, cause?: unknown): void {
    this.#isGone = true
    this.#abort(why, cause)
  }

  #abort(why: string, cause?: unknown): void {
    if (this.#lost.signal.aborted || this.#stopped.signal.aborted) return
    this.#alarm[Symbol.dispose]()
    const {now, observer, session} = this.#options
    const error = new LockLostError(
      `lock ${this.prefix}: lost after ${formatDuration(now() - this.#acquiredAtMs)}: ${why}`,
      {cause, details: {prefix: this.prefix, session: session.id, token: this.token.toString()}},
    )
    this.#lost.abort(error)
    observer({type: 'lock.lost', error})
  }

  #loseUnproven(): void {
    const {now} = this.#options
    const sinceMs = now() - Math.max(this.#proofs.renewedAtMs, this.#proofs.seenAtMs)
    const said = this.#lastError === undefined ? '' : `: ${messageOf(this.#lastError)}`
    this.#abort(`not proven for ${formatDuration(sinceMs)}${said}`, this.#lastError)
  }

  #learnShapeOnce(): void {
    if (this.#isShapeKnown) return
    this.#isShapeKnown = true
    void this.#learnShape()
  }

  /**
   * Finds out how long the hold lasts after its last proof. If the ACL token may not read this, the shorter time
   * applies.
   */
  async #learnShape(): Promise<void> {
    const {client, learnTtlOnly} = this.#options
    try {
      const isTtlOnly = (await learnTtlOnly?.(this.#stopped.signal)) === true
      this.#shape = {...this.#shape, isTtlOnly}
      this.#options.session.renewEvery(proveEveryMs(this.#shape))
      this.#prove({renewedAtMs: this.#proofs.renewedAtMs})
    } catch (error) {
      this.#isShapeKnown = !isTransient(error)
      client.logger.debug({err: error}, 'not found out what ends the session besides its TTL')
    }
  }

  async #watch(): Promise<void> {
    const {session, grant} = this.#options
    const onSessionLost = (): void => this.#lose(messageOf(session.signal.reason), session.signal.reason)
    if (session.signal.aborted) onSessionLost()
    session.signal.addEventListener('abort', onSessionLost, {once: true})
    await Promise.all([...grant.evidence.map(evidence => this.#monitor(evidence)), this.#lookOften()])
    session.signal.removeEventListener('abort', onSessionLost)
  }

  /** Follows the key with a blocking query, which reports a loss at once. Starts late: short holds do without it. */
  async #monitor(evidence: Evidence): Promise<void> {
    const {client, now} = this.#options
    const {signal} = this.#stopped
    let sentAtMs = now()
    const answers = follow(evidence.query, client, {
      signal,
      waitMs: monitorWaitMs,
      consistency: 'consistent',
      ...(evidence.index !== undefined && {index: evidence.index as ConsulIndex}),
      onRequest: () => {
        sentAtMs = now()
      },
    })
    try {
      await client.clock.sleep(monitorAfterMs, signal)
      for await (const {snapshot} of answers) {
        const why = evidence.judge(snapshot.value)
        if (why !== undefined) {
          this.#lose(await this.#explain(why))
          return
        }
        this.#prove({seenAtMs: sentAtMs})
      }
    } catch (error) {
      if (!signal.aborted) client.logger.warn({err: error, key: this.key}, 'monitor of the lock failed')
    }
  }

  /** If a renewal of the session does not prove the hold, reads the key as often as the session is renewed. */
  async #lookOften(): Promise<void> {
    const {client, now} = this.#options
    const {signal} = this.#stopped
    try {
      for (;;) {
        const everyMs = proveEveryMs(this.#shape) * (0.9 + 0.2 * client.random())
        await sleepUntil(now() + everyMs, {clock: client.clock, now, signal})
        if (this.#shape.isTtlOnly || !this.#shape.hasLockDelay) continue
        await this.#look({signal, timeoutMs: everyMs}).catch((error: unknown) => {
          this.#lastError = error
        })
      }
    } catch {
      // The signal has aborted, because the hold was released.
    }
  }

  /** Makes a consistent read, and declares the hold lost if the read shows that the session does not hold the lock. */
  async #look(options: {readonly signal?: AbortSignal; readonly timeoutMs?: number}): Promise<void> {
    const sentAtMs = this.#options.now()
    const why = await this.#judge(options)
    if (why === undefined) this.#prove({seenAtMs: sentAtMs})
    else this.#lose(await this.#explain(why))
  }

  /**
   * Finds out whether the key was deleted by hand or with its session, in so little time that the work can still stop.
   */
  async #explain(why: string): Promise<string> {
    if (!why.endsWith(deletedKey) && !why.endsWith(deletedContender)) return why
    const {client, session} = this.#options
    const limits = {timeoutMs: explainWithinMs, consistency: 'consistent', plane: 'control'} as const
    try {
      const {value: living} = await client.session.info(session.id, limits)
      this.#isSessionEnded = living === undefined
      return living
        ? `${why}, and its session still exists`
        : 'Consul ended its session: it was destroyed, or its agent left'
    } catch {
      return `${why}, or Consul ended its session`
    }
  }

  /**
   * Makes a consistent read of every key that proves the hold. Resolves to the first reason why the lock is
   * lost, or to undefined if it is still held.
   */
  async #judge(options: CallOptions): Promise<string | undefined> {
    const read = {...options, consistency: 'consistent', plane: 'control'} as const
    const {evidence} = this.#options.grant
    const seen = await Promise.all(evidence.map(async one => one.judge((await one.query.read(read)).value)))
    return seen.find(why => why !== undefined)
  }

  async #release(): Promise<ReleaseReport> {
    const {session, observer} = this.#options
    this.#alarm[Symbol.dispose]()
    this.#stopped.abort()
    await this.#loops
    const {outcome, error} = await this.#giveBack()
    if (this.#isSessionEnded) session.orphan()
    const isSessionDestroyed = this.#isSessionEnded || (await session.destroy({timeoutMs: destroyWithinMs}))
    // Once the session is destroyed, the lock becomes free after the lock-delay at the latest, so it counts as
    // released.
    const lock = isSessionDestroyed && outcome !== 'lost' ? 'released' : outcome
    const report: ReleaseReport = {lock, isSessionDestroyed, error}
    observer({type: 'lock.released', report})
    if (!isSessionDestroyed) observer({type: 'session.expiring', session: session.id, withinMs: 2 * session.ttlMs})
    return report
  }

  /**
   * Repeats the release until its outcome is known or the time limit is reached. If an answer was lost, a
   * read shows the outcome.
   */
  async #giveBack(): Promise<{readonly outcome: ReleaseReport['lock']; readonly error?: unknown}> {
    const {client, grant} = this.#options
    using link = linkSignal(undefined, {timeoutMs: releaseWithinMs, clock: client.clock})
    let error: unknown
    for (;;) {
      try {
        const lock = await grant.release({signal: link.signal, timeoutMs: releaseAttemptMs, alongside: this.#alongside})
        if (lock === 'released' || error === undefined) return {outcome: lock}
      } catch (reason) {
        // An abort by the time limit of this loop does not replace the error that made the loop retry.
        if (!link.signal.aborted || error === undefined) error = reason
      }
      const outcome = await this.#findOut()
      if (outcome === 'released' || outcome === 'lost') return {outcome}
      if (outcome === 'unknown' && this.#isGone) return {outcome: 'lost'}
      if (link.signal.aborted || !isTransient(error)) return {outcome, error}
      await client.clock.sleep(retryMs, link.signal).catch(() => {})
    }
  }

  /** Reads the holder. If another session holds the lock although our session still exists, the release was applied. */
  async #findOut(): Promise<ReleaseReport['lock']> {
    const {client, session} = this.#options
    const limits = {timeoutMs: findOutWithinMs}
    try {
      if ((await this.#judge(limits)) === undefined) return 'held'
      const {value: living} = await client.session.info(session.id, {
        ...limits,
        consistency: 'consistent',
        plane: 'control',
      })
      this.#isSessionEnded = living === undefined
      return living ? 'released' : 'lost'
    } catch (error) {
      client.logger.debug({err: error}, 'the outcome of the release is unknown')
      return 'unknown'
    }
  }
}
