import {checkOptions} from '../../core/check-options.js'
import type {ClientOptions, ConsulClient} from '../../core/client.js'
import {defaultGraceMs} from '../../core/consul-constants.js'
import {LockNotAcquiredError} from '../../core/errors.js'
import type {SessionId} from '../../core/types.js'
import {Guardian} from '../../process/guardian/guardian.js'
import {Acquisition} from '../acquisition.js'
import {kindOf} from '../contend/kind-of.js'
import type {LeasedHold} from '../hold.js'
import type {LockKind} from '../kind.js'
import {acquireRules} from '../option-rules.js'
import type {LockEvent, LockOptions} from '../types.js'
import {orphanRelease} from './orphan-release.js'

export interface GuardedHoldOptions extends Omit<LockOptions, 'observer'> {
  /** Maximum number of holders. More than 1 makes the lock a semaphore. */
  readonly limit: number
  /** Longest wait in milliseconds. Undefined and 0 mean to wait forever, `once` means to make one attempt. */
  readonly timeout: number | 'once' | undefined
  /** Cancels the acquisition. */
  readonly signal: AbortSignal
  /**
   * Name of an environment variable of the child that contains the session's ID. By this variable, the guardian process
   * finds a child that was started a moment ago.
   */
  readonly markedBy: string
  /** The value of the variable PATH, by which bash is found for the guardian process. */
  readonly searchPath: string | undefined
  /** Options of the client, which the guardian process needs to release the lock after baton has died. */
  readonly connection: ClientOptions
  /**
   * What the guardian process does after baton has died and no process of the child is left. `release`: it releases the
   * lock. `expire`: it only ends the session, so that the lock-delay runs, because it does not know which processes do
   * the work.
   * @default 'release'
   */
  readonly afterDeath?: 'release' | 'expire'
  /** Called each time the waiting contender finds that it is first in the queue. */
  readonly firstInQueue?: (session: SessionId) => void
  readonly observer: (event: LockEvent | {readonly type: 'guardian.failed'; readonly why: string}) => void
}

export interface GuardedHold {
  readonly hold: LeasedHold
  /** The guardian process of the hold. The caller must call `released` on it after it has released the hold. */
  readonly guardian: Guardian | undefined
}

/**
 * Acquires a lock that is released even if this process dies: a guardian process is started before the lock is
 * requested, and receives each deadline of the hold. Rejects in the same cases as `acquire`; the guardian process has
 * then ended.
 */
export async function acquireGuarded(client: ConsulClient, options: GuardedHoldOptions): Promise<GuardedHold> {
  const {prefix, signal, timeout} = options
  const timeoutMs = typeof timeout === 'number' && timeout !== 0 ? timeout : undefined
  checkOptions('acquire', {timeoutMs}, acquireRules)
  const kind = kindOf(client, options)
  let guardian: Guardian | undefined
  const acquisition = new Acquisition(client, options, kind, {
    sessionCreated: session => {
      guardian?.released()
      guardian = guard(client, {kind, session}, options)
    },
    firstInQueue: session => options.firstInQueue?.(session),
    deadlineMoved: deadline => guardian?.deadline(deadline),
  })
  try {
    const isOnce = timeout === 'once'
    const hold = await acquisition.run({signal, isOnce, ...(timeoutMs !== undefined && {timeoutMs})})
    if (!hold) throw new LockNotAcquiredError(`lock ${prefix}: not acquired: ${acquisition.obstacle ?? 'not free'}`)
    return {hold, guardian}
  } catch (error) {
    guardian?.released()
    throw error
  }
}

/** Starts the guardian process, which releases the lock of this session if baton dies. */
function guard(
  client: ConsulClient,
  lock: {readonly kind: LockKind; readonly session: SessionId},
  options: GuardedHoldOptions,
): Guardian {
  const {kind, session} = lock
  const {connection, observer, afterDeath} = options
  return new Guardian({
    graceMs: options.graceMs ?? defaultGraceMs,
    marker: `${options.markedBy}=${session}`,
    searchPath: options.searchPath,
    release: orphanRelease(session, {
      lastWill: afterDeath === 'expire' ? [] : kind.lastWill(session),
      connection,
      scope: client.scope,
    }),
    onFailure: why => observer({type: 'guardian.failed', why}),
  })
}
