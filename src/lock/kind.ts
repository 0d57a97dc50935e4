import type {BlockingQuery} from '../core/query/types.js'
import type {CallOptions, FencingToken, KvEntry, KvOperation, SessionId} from '../core/types.js'
import type {Session} from '../session/types.js'
import type {LockEvent} from './types.js'

/** Reasons for the loss of a lock whose key is gone, either deleted by hand or together with its session. */
export const deletedKey = 'its key was deleted'
export const deletedContender = 'its contender key was deleted'

/** A key that shows whether the session still holds the lock. */
export interface Evidence {
  readonly query: BlockingQuery<KvEntry | undefined, KvEntry>
  /** ModifyIndex of the key in the newest answer in which the session held the lock. */
  readonly index: bigint | undefined
  /** Judges the key as a consistent read shows it: returns why the lock is lost, or undefined if it is still held. */
  judge(entry: KvEntry | undefined): string | undefined
}

export interface ReleaseOptions extends CallOptions {
  /**
   * Operations to add to the transaction that releases the lock. If the token is not permitted to make them,
   * the lock is released without them.
   */
  readonly alongside?: readonly KvOperation[]
}

/** A lock that was granted. */
export interface Grant {
  readonly token: FencingToken
  /** Time since boot at which baton sent the request that acquired the lock or showed that the session holds it. */
  readonly sentAtMs: number
  readonly evidence: readonly [Evidence, ...Evidence[]]
  /**
   * Makes one attempt to release the lock. Resolves to `lost` if the session no longer held it. Rejects if the outcome
   * is unknown.
   */
  release(options: ReleaseOptions): Promise<'released' | 'lost'>
}

export type WaitingEvent = Extract<LockEvent, {readonly type: 'lock.waiting'}>

export interface ContendOptions {
  readonly signal: AbortSignal
  /** True to make one attempt without waiting. */
  readonly isOnce: boolean
  /** Called at every wake-up with the reason for waiting. */
  readonly waiting: (event: WaitingEvent) => void
}

/** The operations in which a mutex and a semaphore differ. */
export interface LockKind {
  /** Keys of the lock, in the order in which they are acquired. Messages name the lock by the first key. */
  readonly keys: readonly [string, ...string[]]
  /** True if the lock-delay keeps the lock from other contenders after the holder's session has ended. */
  readonly hasLockDelay: boolean
  /** True if the contenders of one host wait for each other, because only one of them can hold the lock. */
  readonly hasLocalLine: boolean
  /**
   * Returns the transactions that release the lock of a dead holder before its session is destroyed. Consul refuses a
   * transaction whose condition is not met, for instance if the session does not hold the lock.
   */
  lastWill(session: SessionId): readonly (readonly KvOperation[])[]
  /**
   * Acquires the lock for the session and waits as long as necessary. Resolves to undefined only with `isOnce`. If the
   * signal aborts after a write that may acquire the lock, the method still waits for the outcome, and the caller must
   * release the grant.
   */
  contend(session: Session, options: ContendOptions): Promise<Grant | undefined>
  /** Deletes every key that `contend` wrote, except that of the lock itself. */
  withdraw(session: Session): Promise<void>
}
