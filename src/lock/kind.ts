import type {BlockingQuery} from '../core/query/types.js'
import type {CallOptions, FencingToken, KvEntry, KvOperation, SessionId} from '../core/types.js'
import type {Session} from '../session/types.js'
import type {LockEvent} from './types.js'

/** Reason for a loss if the key is gone. It was deleted by hand, or with the session. */
export const deletedKey = 'its key was deleted'
export const deletedContender = 'its contender key was deleted'

/** A key that shows whether the session still holds the lock. */
export interface Evidence {
  readonly query: BlockingQuery<KvEntry | undefined, KvEntry>
  /** ModifyIndex of the newest state in which the session held the lock. */
  readonly index: bigint | undefined
  /** Returns why a consistent read shows that the lock is lost, or undefined if it is still held. */
  judge(entry: KvEntry | undefined): string | undefined
}

export interface ReleaseOptions extends CallOptions {
  /**
   * Operations to add to the transaction that releases the lock. If the token may not make them, the lock is released
   * without them.
   */
  readonly alongside?: readonly KvOperation[]
}

/** A lock that was granted. */
export interface Grant {
  readonly token: FencingToken
  /** Boot time at which the request was sent that acquired the lock, or that showed that the session holds it. */
  readonly sentAtMs: number
  readonly evidence: readonly [Evidence, ...Evidence[]]
  /** Makes one attempt to release the lock. Resolves to `lost` if the session no longer held it. Rejects if the outcome is unknown. */
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

/** The parts in which a mutex and a semaphore differ. */
export interface LockKind {
  /** Keys of the lock, in the order in which they are acquired. The first one names it in messages. */
  readonly keys: readonly [string, ...string[]]
  /** True if the lock-delay protects the lock after its session has ended. */
  readonly hasLockDelay: boolean
  /** True if the contenders of one host wait for each other, because only one of them can hold the lock. */
  readonly hasLocalLine: boolean
  /**
   * Returns the transactions that release the lock of a dead holder before its session is destroyed. Consul refuses one
   * that does not apply, for instance if the session does not hold the lock.
   */
  lastWill(session: SessionId): readonly (readonly KvOperation[])[]
  /**
   * Acquires the lock for the session and waits as long as necessary. Resolves to undefined only with `isOnce`. If the
   * signal aborts after a write was sent that may acquire the lock, it waits for the outcome; the caller releases the
   * grant.
   */
  contend(session: Session, options: ContendOptions): Promise<Grant | undefined>
  /** Deletes what `contend` wrote besides the lock itself. */
  withdraw(session: Session): Promise<void>
}
