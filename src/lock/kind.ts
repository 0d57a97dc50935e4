import type {BlockingQuery} from '../core/query/types.js'
import type {CallOptions, FencingToken, KvEntry, KvOperation, SessionId} from '../core/types.js'
import type {Session} from '../session/types.js'
import type {LockEvent} from './types.js'

/** What is said of a key that is gone: deleted by hand, or with the session. */
export const deletedKey = 'its key was deleted'
export const deletedContender = 'its contender key was deleted'

/** A key that says whether we still hold. */
export interface Evidence {
  readonly query: BlockingQuery<KvEntry | undefined, KvEntry>
  /** ModifyIndex of the newest state known to be good. */
  readonly index: bigint | undefined
  /** The reason why the lock is lost according to a consistent read, or `undefined` if it is still held. */
  judge(entry: KvEntry | undefined): string | undefined
}

/** A lock that was granted. */
export interface Grant {
  readonly token: FencingToken
  /** Boot time at which the request was sent that took it, or showed it to be ours. */
  readonly sentAtMs: number
  readonly evidence: readonly [Evidence, ...Evidence[]]
  /** One attempt to release it. Resolves to `lost` if it was no longer ours. Rejects if the outcome is unknown. */
  release(options: CallOptions): Promise<'released' | 'lost'>
}

export type WaitingEvent = Extract<LockEvent, {readonly type: 'lock.waiting'}>

export interface ContendOptions {
  readonly signal: AbortSignal
  /** One attempt, no waiting. */
  readonly isOnce: boolean
  /** Called at every wake-up with the reason for waiting. */
  readonly waiting: (event: WaitingEvent) => void
}

/** What mutex and semaphore do differently. */
export interface LockKind {
  readonly key: string
  /** True if the lock-delay protects the lock after its session has ended. */
  readonly hasLockDelay: boolean
  /** True if the contenders of one host wait for each other, since only one of them can hold. */
  readonly hasLocalLine: boolean
  /** Releases the lock of a holder that died, before its session is destroyed. Refused by Consul if the session does not hold. */
  lastWill(session: SessionId): readonly KvOperation[]
  /**
   * Takes the lock for the session, waiting as long as it must; `undefined` only with `isOnce`. Once a write that may
   * take the lock is sent, its outcome is waited for, even after the signal: the caller gives the grant back.
   */
  contend(session: Session, options: ContendOptions): Promise<Grant | undefined>
  /** Takes back what `contend` wrote besides the lock itself. */
  withdraw(session: Session): Promise<void>
}
