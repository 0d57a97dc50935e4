import {linkSignal, whenAborted} from '../core/cancel/link-signal.js'
import type {ConsulClient} from '../core/client.js'
import {defaultGraceMs} from '../core/consul-constants.js'
import {
  BatonError,
  ConsulError,
  isBatonError,
  isTransient,
  LockNotAcquiredError,
  TransportError,
  UsageError,
} from '../core/errors.js'
import {isHopeless} from '../core/hopeless.js'
import {Backoff} from '../core/time/backoff.js'
import {formatDuration, parseDuration} from '../core/time/duration.js'
import type {SessionId} from '../core/types.js'
import {localDirectory} from '../process/local-directory.js'
import {type LocalTurn, takeLocalTurn, turnPath, withoutTurn} from '../process/local-turn.js'
import {findLocksNode, isExternalNode, isForeignNode} from '../session/foreign-node.js'
import {bootTimeOf, defaultLockDelayMs, defaultTtlMs, openSession} from '../session/session.js'
import type {Session} from '../session/types.js'
import {lateAnswerMs} from './defaults.js'
import {LeasedHold} from './hold.js'
import type {Grant, LockKind} from './kind.js'
import {checkLease, contendEveryMs, isUsable, type LeaseDeadline, type LeaseShape} from './lease.js'
import type {AcquireOptions, LockEvent, LockOptions} from './types.js'

/** How long a contender waits for another contender on its host before it asks Consul whether the lock is free. */
const linePatienceMs = 15_000

/**
 * Receives the steps of an acquisition, so that the guardian process knows them. Each method is called before the
 * acquisition sends its next request.
 */
export interface LeaseWatcher {
  /**
   * Called after a session was created and before it is used to acquire the lock. Earlier sessions of this acquisition
   * have ended.
   */
  sessionCreated(session: SessionId): void
  /** Called each time the waiting contender finds that it is first in the queue. */
  firstInQueue?(session: SessionId): void
  /** Called with the first deadline of the hold and with each later one. */
  deadlineMoved(deadline: LeaseDeadline): void
}

/**
 * Acquires a lock: opens a session, contends for the lock, and starts again with a new session if its session ends
 * while it waits for the lock. If the acquisition fails, the session is destroyed before the failure is reported.
 */
export class Acquisition {
  readonly #client: ConsulClient
  readonly #options: LockOptions
  readonly #kind: LockKind
  readonly #now: () => number
  readonly #backoff: Backoff
  readonly #watcher: LeaseWatcher | undefined
  #obstacle: string | undefined
  #position: number | undefined
  /**
   * Whether Consul was asked for the node or the first session, and has answered. If it has not answered within the time limit, the
   * error must not say that the lock is held.
   */
  #opening: 'none' | 'asked' | 'answered' = 'none'
  #lastError: unknown
  /** Node that the session belongs to; undefined for the agent's own node. */
  #node: string | undefined
  /** The held lock, which receives the events of the session once the lock is granted. */
  #hold: LeasedHold | undefined

  constructor(client: ConsulClient, options: LockOptions, kind: LockKind, watcher?: LeaseWatcher) {
    this.#client = client
    this.#watcher = watcher
    this.#options = options
    this.#kind = kind
    this.#node = options.node
    this.#now = options.now ?? bootTimeOf(client)
    this.#backoff = new Backoff({minMs: 100, maxMs: 5000, random: client.random})
  }

  async run(options: AcquireOptions & {readonly isOnce: boolean}): Promise<LeasedHold | undefined> {
    const {isOnce} = options
    const timeoutMs = options.timeoutMs === Number.POSITIVE_INFINITY ? undefined : options.timeoutMs
    using link = linkSignal(options.signal, {
      clock: this.#client.clock,
      ...(timeoutMs !== undefined && {timeoutMs, onTimeout: () => this.#notInTime(timeoutMs)}),
    })
    const {signal} = link
    signal.throwIfAborted()
    const startedAtMs = this.#now()
    const shape = await this.#shape(signal)
    this.#opening = 'asked'
    await this.#findNode(signal)
    // While other contenders of this host are first, Consul is not asked.
    this.#opening = 'none'
    // A single attempt must not wait for other contenders of this host.
    using _turn = this.#kind.hasLocalLine && !isOnce ? await this.#takeTurn(signal, timeoutMs) : undefined
    this.#opening = 'asked'
    for (let isFirst = true; ; isFirst = false) {
      const session = await this.#openSession({shape, signal, isPatient: !isFirst || timeoutMs !== undefined, isFirst})
      this.#watcher?.sessionCreated(session.id)
      this.#emit({type: 'session.created', session: session.id})
      this.#opening = 'answered'
      const outcome = await this.#contend(session, {signal, isOnce})
      if (outcome === 'session-lost') continue
      if (!outcome) return undefined
      this.#hold = new LeasedHold({
        client: this.#client,
        prefix: this.#options.prefix,
        also: this.#options.also,
        keys: this.#kind.keys,
        session,
        grant: outcome,
        shape,
        now: this.#now,
        learnTtlOnly: this.#learnTtlOnly(shape),
        observer: event => this.#emit(event),
        onDeadline: deadline => this.#watcher?.deadlineMoved(deadline),
      })
      this.#emit({type: 'lock.acquired', token: outcome.token, waitMs: this.#now() - startedAtMs})
      return this.#hold
    }
  }

  /**
   * Waits until no other contender on this host contends for the same keys. Only one contender per host at a
   * time sends requests to Consul, until it holds the lock.
   */
  async #takeTurn(signal: AbortSignal, timeoutMs = Number.POSITIVE_INFINITY): Promise<LocalTurn> {
    const {address, scope, clock, random, kv, logger} = this.#client
    const {keys} = this.#kind
    let path: string | undefined
    try {
      path = turnPath(localDirectory(), address, scope.datacenter, scope.namespace, scope.partition, ...keys)
    } catch (error) {
      logger.debug({err: error}, 'no local line on this host: every contender asks Consul itself')
    }
    if (path === undefined) return withoutTurn
    return takeLocalTurn(path, {
      signal,
      clock,
      random,
      onWait: () => this.#emit({type: 'lock.waiting', reason: 'local'}),
      patienceMs: Math.min(linePatienceMs, timeoutMs / 2),
      isFree: async asking => {
        const reads = keys.map(key => kv.get(key, {signal: asking, timeoutMs: linePatienceMs}))
        const isFree = (await Promise.all(reads)).every(({value}) => value?.session === undefined)
        if (isFree)
          logger.debug(
            {keys},
            'the lock is free but the contender with the turn does not acquire it: left the local line',
          )
        return isFree
      },
    })
  }

  /**
   * Resolves to undefined if a single attempt did not acquire the lock. By then, this contender's session and all of
   * its keys are deleted.
   */
  async #contend(
    session: Session,
    options: {readonly signal: AbortSignal; readonly isOnce: boolean},
  ): Promise<Grant | 'session-lost' | undefined> {
    using link = linkSignal(options.signal)
    using lost = whenAborted(session.signal)
    void lost.promise.then(() => link.abort(session.signal.reason))
    try {
      const grant = await this.#kind.contend(session, {
        signal: link.signal,
        isOnce: options.isOnce,
        waiting: event => {
          if (event.position === 1) this.#watcher?.firstInQueue?.(session.id)
          this.#emit(event)
        },
      })
      if (grant && !options.signal.aborted) return grant
      await grant?.release({timeoutMs: lateAnswerMs})
      options.signal.throwIfAborted()
      await this.#leave(session)
      return undefined
    } catch (error) {
      const isSessionLost = isBatonError(error, 'BATON_SESSION_LOST') && !options.signal.aborted
      await this.#leave(session, error)
      if (isSessionLost) return 'session-lost'
      throw options.signal.aborted ? options.signal.reason : error
    }
  }

  async #leave(session: Session, why?: unknown): Promise<void> {
    try {
      await this.#kind.withdraw(session)
    } catch (error) {
      this.#client.logger.debug({err: error}, 'contender not withdrawn')
    }
    if (await session.destroy({timeoutMs: lateAnswerMs})) return
    if (isBatonError(why, 'BATON_SESSION_LOST') && why.details.isEnded === true) return
    this.#emit({type: 'session.expiring', session: session.id, withinMs: 2 * session.ttlMs})
  }

  async #openSession(options: {
    readonly shape: LeaseShape
    readonly signal: AbortSignal
    readonly isPatient: boolean
    readonly isFirst: boolean
  }): Promise<Session> {
    const {signal, shape} = options
    const {nodeChecks, sessionName, now} = this.#options
    for (;;) {
      try {
        return await openSession(this.#client, {
          signal,
          ttlMs: shape.ttlMs,
          lockDelayMs: shape.lockDelayMs,
          renewEveryMs: contendEveryMs(shape),
          observer: event => this.#hold?.handleSessionEvent(event),
          ...(nodeChecks && {nodeChecks}),
          ...(this.#node !== undefined && {node: this.#node}),
          ...(sessionName !== undefined && {name: sessionName}),
          ...(now && {now}),
          // The time without a renewal needs no limit here: the hold has its own deadline, and a contender starts again
          // only if Consul reports that the session has ended.
          unprovenLimitMs: Number.POSITIVE_INFINITY,
        })
      } catch (error) {
        signal.throwIfAborted()
        const refusal = ttlRefusal(error, shape.ttlMs)
        if (refusal !== undefined) {
          throw new UsageError(`lock ${this.#options.prefix}: ${refusal}`, {cause: error, hint: 'change the TTL'})
        }
        if (this.#node !== undefined && this.#node !== this.#options.node && isUnusable(error)) {
          this.#node = undefined
          continue
        }
        if (this.#node !== undefined && isForeignNode(error)) {
          throw new UsageError(`lock ${this.#options.prefix}: the catalog has no node ${this.#node} for the session`, {
            cause: error,
            hint: 'register the node, or name another one',
          })
        }
        // If the very first request fails for a reason that waiting cannot fix, a setting is wrong and retrying cannot
        // help.
        if (!isTransient(error) || !options.isPatient || (options.isFirst && isHopeless(error))) throw error
        this.#lastError = error
        this.#emit({type: 'lock.waiting', reason: 'unreachable', error})
        await this.#client.clock.sleep(this.#backoff.next(), signal)
      }
    }
  }

  /**
   * Returns a function that finds out whether only the TTL can end the session. This is true unless the
   * session's node is a server, because the cluster itself may remove a server's node.
   */
  #learnTtlOnly(shape: LeaseShape): ((signal: AbortSignal) => Promise<boolean>) | undefined {
    const {nodeChecks = []} = this.#options
    const node = this.#node
    if (shape.isTtlOnly || !shape.hasLockDelay || nodeChecks.length > 0) return undefined
    if (node !== undefined) return signal => isExternalNode(this.#client, node, signal)
    // In another datacenter, the session does not belong to the agent's node.
    if (this.#client.scope.datacenter !== undefined) return undefined
    return async signal => !(await this.#client.agent.self({signal})).isServer
  }

  /**
   * Returns the facts from which the deadline of the hold is calculated. It assumes that the session's node is a
   * server, which gives the earlier deadline. Only if that deadline is too early for the settings does it ask whether
   * the node is a client agent.
   */
  async #shape(signal: AbortSignal): Promise<LeaseShape> {
    const {prefix, nodeChecks = []} = this.#options
    const hasChecks = nodeChecks.length > 0
    const shape: LeaseShape = {
      hasLockDelay: this.#kind.hasLockDelay,
      ttlMs: this.#options.ttlMs ?? defaultTtlMs,
      lockDelayMs: this.#options.lockDelayMs ?? defaultLockDelayMs,
      graceMs: this.#options.graceMs ?? defaultGraceMs,
      isTtlOnly: false,
    }
    if (isUsable(shape) || hasChecks) {
      checkLease(shape, {prefix, hasChecks})
      return shape
    }
    const onClient = {...shape, isTtlOnly: true}
    checkLease(onClient, {prefix, hasChecks})
    await this.#findNode(signal)
    const node = this.#node
    if (node !== undefined) {
      if (!(await isExternalNode(this.#client, node, signal))) checkLease(shape, {prefix, hasChecks})
      return onClient
    }
    const self = await this.#client.agent.self({signal})
    // In another datacenter, the session belongs to the node of a server there.
    const isForeign = (this.#client.scope.datacenter || self.datacenter) !== self.datacenter
    if (self.isServer || isForeign) checkLease(shape, {prefix, hasChecks})
    return onClient
  }

  /** Chooses the node of the session, unless it is given. With checks the session must be on the agent's node. */
  async #findNode(signal: AbortSignal): Promise<void> {
    if (this.#node !== undefined || (this.#options.nodeChecks ?? []).length > 0) return
    this.#node = await findLocksNode(this.#client, signal)
  }

  /** The latest reason for waiting, for messages. */
  get obstacle(): string | undefined {
    return this.#obstacle
  }

  #notInTime(timeoutMs: number): BatonError {
    const {prefix} = this.#options
    const what = `lock ${prefix}: not acquired within ${formatDuration(timeoutMs)}`
    if (this.#opening === 'asked') return unanswered(what, this.#lastError)
    return new LockNotAcquiredError(this.#obstacle === undefined ? what : `${what}: ${this.#obstacle}`, {
      details: {prefix, timeoutMs},
    })
  }

  #emit(event: LockEvent): void {
    if (event.type === 'lock.waiting') {
      // Each reason is reported once, however often the contender wakes up.
      const news = event.holder === undefined ? waitingReasons[event.reason] : `held by ${event.holder}`
      if (news === this.#obstacle && event.position === this.#position) return
      this.#obstacle = news
      this.#position = event.position
    }
    this.#options.observer?.(event)
  }
}

/** True if the error shows that the session cannot be on the node that baton chose because no node was given. */
const isUnusable = (error: unknown): boolean => isForeignNode(error) || isBatonError(error, 'BATON_ACL_DENIED')

/** Returns the error for a time limit that passed before Consul answered any request. Its cause is the last failure. */
function unanswered(what: string, cause: unknown): BatonError {
  if (!isBatonError(cause)) return new TransportError('BATON_TIMEOUT', `${what}: Consul does not answer`)
  const {code, hint, details} = cause
  return new BatonError(code, `${what}: ${cause.message}`, {
    cause,
    transient: true,
    details,
    ...(hint !== undefined && {hint}),
  })
}

const waitingReasons = {
  held: 'held by another contender',
  'lock-delay': 'free, but the lock-delay runs',
  unreachable: 'Consul does not answer',
  local: 'other contenders on this host are first',
  queue: 'free, but others have waited longer',
} as const

/**
 * Returns the reason if Consul refuses the TTL, with times in the usual form: Consul names the TTL in nanoseconds. A
 * client agent that forwards the request puts a text of its own before the server's error text.
 */
function ttlRefusal(error: unknown, ttlMs: number): string | undefined {
  const [text, least, most] =
    (error instanceof ConsulError && /Invalid Session TTL.*?(?:\[(\S+)=(\S+)\]|$)/.exec(error.text)) || []
  if (least === undefined || most === undefined) return text
  const limit = (time: string): string => formatDuration(parseDuration(time))
  return `Consul refuses a session's TTL of ${formatDuration(ttlMs)}: it takes ${limit(least)} to ${limit(most)}`
}
