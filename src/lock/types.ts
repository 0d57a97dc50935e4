import type {BootTime} from '../core/time/boot-time.js'
import type {FencingToken, SessionId} from '../core/types.js'
import type {LeaseDeadline} from './lease.js'

/** Which lock, and how it is kept. */
export interface LockOptions {
  /** The lock's key is `<prefix>/.lock`, shared with the Go tool. */
  readonly prefix: string
  /** @default 15000 */
  readonly ttlMs?: number
  /** @default 15000 */
  readonly lockDelayMs?: number
  /** `['serfHealth']` frees the lock sooner when the node is lost, and takes away most of the time to ride out an outage. @default [] */
  readonly nodeChecks?: readonly string[]
  /** Name of the session. */
  readonly sessionName?: string
  /** Time the work needs to stop after `hold.signal` aborted. @default 5000 */
  readonly graceMs?: number
  /** The first word of the command that runs under the lock, shown to other contenders. */
  readonly command?: string
  /** Receives what happens, in order. Must not throw. */
  readonly observer?: (event: LockEvent) => void
  /** @default the machine's boot time */
  readonly now?: BootTime
}

/** Which semaphore, and how it is kept. */
export interface SemaphoreOptions extends LockOptions {
  /** Maximum number of holders. All contenders on a prefix must use the same value. */
  readonly limit: number
}

/** How long to wait for a lock. */
export interface AcquireOptions {
  readonly signal?: AbortSignal
  /**
   * From the call to the grant; at most 24.8 days, or Infinity. With a time limit also failures of the first request are
   * retried: an agent that is down, overloaded or without a leader. @default Infinity
   */
  readonly timeoutMs?: number
}

/** A lock that one holder has at a time. */
export interface Mutex {
  /**
   * Waits until the lock is ours. Rejects with a LockNotAcquiredError when the time is over, a ConflictError when the
   * key serves another kind of lock, the signal's reason when it aborts; then no key is left behind.
   */
  acquire(options?: AcquireOptions): Promise<Hold>
  /** Makes one attempt. Resolves to undefined if another session holds the lock or a lock-delay runs. */
  tryAcquire(options?: {readonly signal?: AbortSignal}): Promise<Hold | undefined>
  /** Releases when `fn` is done, however it ends. Rejects with the hold's loss if it was lost while `fn` ran. */
  withLock<T>(fn: (hold: Hold) => Promise<T>, options?: AcquireOptions): Promise<T>
}

/** A lock that up to `limit` holders have at a time. */
export interface Semaphore extends Mutex {
  readonly limit: number
  /** The sessions that hold a slot now. */
  holders(options?: {readonly signal?: AbortSignal}): Promise<readonly SessionId[]>
}

/** Our proof of holding a lock. Dispose releases it: safe to repeat, time-boxed, does not throw. */
export interface Hold extends AsyncDisposable {
  readonly prefix: string
  readonly key: string
  readonly session: SessionId
  /** Greater than that of every earlier hold of this lock in this datacenter. */
  readonly token: FencingToken
  /**
   * Aborts with a LockLostError when the lock is lost, or early enough before it may be lost unnoticed to stop the work
   * within the grace.
   */
  readonly signal: AbortSignal
  /** In boot time, moved on by every proof. */
  readonly deadline: LeaseDeadline
  /**
   * Reads every key that shows the hold. Rejects with a LockLostError if one of them does not, or if the hold was
   * released, and with other errors if Consul does not answer.
   */
  assertHeld(options?: {readonly signal?: AbortSignal}): Promise<void>
  /** Gives the lock back and ends the session. The same report however often it is called. */
  release(): Promise<ReleaseReport>
}

/** What became of a lock that was given back. */
export interface ReleaseReport {
  /**
   * `lost`: it was not ours any more. `held`: Consul still names our session, and frees the lock when that ends.
   * `unknown`: Consul did not answer.
   */
  readonly lock: 'released' | 'held' | 'lost' | 'unknown'
  /** False: the session, and with it what is `held`, expires by itself up to twice the TTL later. */
  readonly isSessionDestroyed: boolean
  /** Why the lock was not given back by us. With `released` the end of the session freed it: a lock-delay runs. */
  readonly error: unknown
}

/** What happens on the way to a lock and while it is held. */
export type LockEvent =
  | {readonly type: 'session.created'; readonly session: SessionId}
  | {
      readonly type: 'lock.waiting'
      /** `local`: others of this host and key contend before us. */
      readonly reason: 'held' | 'lock-delay' | 'unreachable' | 'local'
      readonly holder?: string
      readonly error?: unknown
    }
  | {readonly type: 'lock.acquired'; readonly token: FencingToken; readonly waitMs: number}
  | {readonly type: 'lease.renewed'; readonly deadline: LeaseDeadline}
  | {readonly type: 'lease.degraded'; readonly error: unknown; readonly deadline: LeaseDeadline}
  | {readonly type: 'lock.lost'; readonly error: Error}
  | {readonly type: 'lock.released'; readonly report: ReleaseReport}
  /** The session could not be destroyed: it expires within this time. */
  | {readonly type: 'session.expiring'; readonly session: SessionId; readonly withinMs: number}
