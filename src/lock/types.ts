import type {BootTime} from '../core/time/boot-time.js'
import type {FencingToken, KvOperation, SessionId, TxnResult} from '../core/types.js'
import type {LockParty} from './inspect.js'
import type {LeaseDeadline} from './lease.js'

/** Options of a lock. */
export interface LockOptions {
  /** Prefix of the lock. Its key is `<prefix>/.lock`, as with `consul lock`. */
  readonly prefix: string
  /**
   * Prefixes of further mutexes, at most 14, that are acquired, held and released together with this one. While one of
   * them is held elsewhere, none is acquired, and the contender has no place in their queues. If one is lost, the hold
   * is lost. The fencing token counts for each of them. Not for a semaphore.
   * @default none
   */
  readonly also?: readonly string[]
  /** TTL of the session in milliseconds. @default 15000 */
  readonly ttlMs?: number
  /** Lock-delay of the session in milliseconds; Consul caps it at 60 s. @default 15000 */
  readonly lockDelayMs?: number
  /**
   * Checks of the node that end the session when they fail. `['serfHealth']` frees the lock sooner when the node is
   * lost, but leaves less time to survive an outage.
   * @default []
   */
  readonly nodeChecks?: readonly string[]
  /**
   * Node of the catalog that the session belongs to. When the agent leaves the cluster, the sessions of its own node
   * end; by default a client agent leaves when it is stopped. A node that belongs to no agent does not leave.
   * @default the node `baton-locks` if the catalog has it and no agent owns it, otherwise the agent's own node
   */
  readonly node?: string
  /** Name of the session, as session listings show it. @default none */
  readonly sessionName?: string
  /** Time in milliseconds that the work needs to stop after `hold.signal` has aborted. @default 5000 */
  readonly graceMs?: number
  /** Name of the program that runs under the lock, which other contenders see. @default none */
  readonly command?: string
  /**
   * Order in which contenders acquire a mutex. `queue`: the order in which they began to wait; the holder hands the
   * lock to the first one. `share`: the same, but while `consul lock` waits too, the holder lets it have as many turns
   * as the contenders of baton; the token must be permitted to read sessions. `off`: no order, as with `consul lock`.
   * Contenders of all kinds exclude each other. The option has no effect on a semaphore.
   * @default 'queue'
   */
  readonly fair?: Fairness
  /** Receives the events of the lock, in order. Must not throw. @default none */
  readonly observer?: (event: LockEvent) => void
  /** Clock by which deadlines are measured, in milliseconds. @default the time since the machine booted */
  readonly now?: BootTime
}

/** How the next holder of a mutex is chosen. */
export type Fairness = 'queue' | 'share' | 'off'

/** Options of a semaphore. */
export interface SemaphoreOptions extends LockOptions {
  /** Maximum number of holders. All contenders on a prefix must use the same value. */
  readonly limit: number
}

/** Options of an acquisition. */
export interface AcquireOptions {
  /** Cancels the acquisition. @default none */
  readonly signal?: AbortSignal
  /**
   * Maximum time in milliseconds from the call to the grant: at most 24.8 days, or Infinity. With a time limit,
   * failures of the first request are also retried (the agent is down, overloaded or without a leader).
   * @default Infinity
   */
  readonly timeoutMs?: number
  /**
   * Receives the events of this acquisition and of its hold only. The observer of the lock receives them, too, and
   * before it. Must not throw. @default none
   */
  readonly observer?: (event: LockEvent) => void
}

/** A lock of any kind. */
export interface Lock {
  /**
   * Waits until the lock is acquired. Rejects with a LockNotAcquiredError if the time limit passes, with a
   * ConflictError if the key belongs to another kind of lock, and with the signal's reason if the signal aborts. If it
   * rejects, it leaves no key behind.
   */
  acquire(options?: AcquireOptions): Promise<Hold>
  /**
   * Makes one attempt. Resolves to undefined if another session holds the lock or a lock-delay runs. Rejects as
   * `acquire` does.
   */
  tryAcquire(options?: Omit<AcquireOptions, 'timeoutMs'>): Promise<Hold | undefined>
  /**
   * Acquires the lock, runs `fn`, and releases the lock even if `fn` fails. Rejects with a LockLostError if the lock
   * was lost while `fn` ran.
   */
  withLock<T>(fn: (hold: Hold) => Promise<T>, options?: AcquireOptions): Promise<T>
}

/** A lock that has one holder at a time. */
export interface Mutex extends Lock {
  /**
   * Resolves to the contender that holds the lock, or to undefined if the lock is free. Meant for people: the
   * answer may be out of date when it arrives.
   */
  holder(options?: {readonly signal?: AbortSignal}): Promise<LockParty | undefined>
}

/** A lock that has up to `limit` holders at a time. */
export interface Semaphore extends Lock {
  /** Maximum number of holders. */
  readonly limit: number
  /**
   * Resolves to the sessions that hold a slot now. Rejects with a ConflictError if the key does not belong to
   * a semaphore.
   */
  holders(options?: {readonly signal?: AbortSignal}): Promise<readonly SessionId[]>
}

/**
 * A lock that is held. Disposing it releases the lock within seconds and does not throw. It may be disposed
 * more than once.
 */
export interface Hold extends AsyncDisposable {
  /** Prefix of the lock. */
  readonly prefix: string
  /** Key of the lock: `<prefix>/.lock`. */
  readonly key: string
  /** All keys that this hold has acquired: `key`, and those of `also`. */
  readonly keys: readonly string[]
  /** Session that holds the lock. */
  readonly session: SessionId
  /** Fencing token, greater than that of every earlier hold of this lock in this datacenter. */
  readonly token: FencingToken
  /**
   * Aborts with a LockLostError when the lock is lost. If Consul does not confirm in time that the session holds the
   * lock, it aborts early enough that the work can stop within the grace before another contender may hold the lock.
   */
  readonly signal: AbortSignal
  /**
   * Times since boot by which the work must have stopped. Each confirmation by Consul that the session holds the lock
   * postpones them.
   */
  readonly deadline: LeaseDeadline
  /**
   * Reads every key that proves the hold. Rejects with a LockLostError if one of them shows that the lock is lost or if
   * the hold was released, and with other errors if Consul does not answer.
   */
  assertHeld(options?: {readonly signal?: AbortSignal}): Promise<void>
  /**
   * Commits a transaction that Consul refuses once the hold is over, so that a process that was suspended
   * cannot write after its lock was lost. If the hold is over, rejects with a LockLostError. Other refusals
   * are in the result, as with `client.txn.commit`.
   */
  commit(operations: readonly KvOperation[], options?: {readonly signal?: AbortSignal}): Promise<TxnResult>
  /**
   * Returns the time in milliseconds until `signal` aborts if Consul does not confirm the hold again; 0 if the hold is
   * lost.
   */
  remainingMs(): number
  /** Releases the lock and ends the session. Does not reject. A repeated call resolves to the same report. */
  release(): Promise<ReleaseReport>
}

/** The outcome of a release. */
export interface ReleaseReport {
  /**
   * `lost`: the session no longer held the lock. `held`: the session still holds it, and Consul frees it when the
   * session ends. `unknown`: Consul did not answer.
   */
  readonly lock: 'released' | 'held' | 'lost' | 'unknown'
  /** True if the session was destroyed. Otherwise it expires up to twice the TTL later. */
  readonly isSessionDestroyed: boolean
  /**
   * The error of the request to release the lock. If `lock` is `released` in spite of the error, the end of
   * the session freed the lock and a lock-delay runs.
   */
  readonly error: unknown
}

/** Events while a lock is acquired and held. Deadlines are in milliseconds since boot. */
export type LockEvent =
  | {readonly type: 'session.created'; readonly session: SessionId}
  | {
      readonly type: 'lock.waiting'
      /**
       * `local`: another contender on this host is ahead. `queue`: the lock is free, but other contenders
       * have waited longer.
       */
      readonly reason: 'held' | 'lock-delay' | 'unreachable' | 'local' | 'queue'
      /** Place in the queue, from 1; left out if there is no queue. */
      readonly position?: number
      readonly holder?: string
      /** Time of the acquisition in ISO 8601, by the holder's clock; left out if the holder did not record it. */
      readonly heldSince?: string
      readonly error?: unknown
    }
  | QueueEvent
  | {readonly type: 'lock.acquired'; readonly token: FencingToken; readonly waitMs: number}
  | {readonly type: 'lease.renewed'; readonly deadline: LeaseDeadline}
  | {readonly type: 'lease.degraded'; readonly error: unknown; readonly deadline: LeaseDeadline}
  | {readonly type: 'lock.lost'; readonly error: Error}
  | {readonly type: 'lock.released'; readonly report: ReleaseReport}
  /** The lock was released without the record of the run, because the token is not permitted to write the record. */
  | {readonly type: 'run.unrecorded'; readonly error: unknown}
  /** The session could not be destroyed, and will expire within `withinMs`. */
  | {readonly type: 'session.expiring'; readonly session: SessionId; readonly withinMs: number}

/** Events in the queue of a mutex. */
export type QueueEvent =
  /**
   * This contender cannot use the queue, so it contends as `consul lock` does. `denied`: its token is not permitted to
   * write a queue entry. `version`: the entry of `session`, which is ahead in the queue, has an unknown version.
   */
  | {readonly type: 'queue.left'; readonly reason: 'denied'; readonly error: unknown}
  | {readonly type: 'queue.left'; readonly reason: 'version'; readonly session: SessionId}
  /**
   * This contender took the lock although `session` was ahead of it. `unproven`: `session` was handed the
   * lock but did not prove that it is alive. `idle`: `session` did not acquire the free lock.
   */
  | {readonly type: 'queue.passed-over'; readonly session: SessionId; readonly reason: 'unproven' | 'idle'}
  /** The holder cannot see whether `consul lock` waits, because the token may not read sessions. */
  | {readonly type: 'queue.unshared'}
  /** The lock was handed to `session`, which was first in the queue. */
  | {readonly type: 'lock.handed-over'; readonly session: SessionId}
