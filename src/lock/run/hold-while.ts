import type {ConsulClient} from '../../core/client.js'
import {LockLostError} from '../../core/errors.js'
import type {Hold, ReleaseReport} from '../types.js'
import {acquireGuarded, type GuardedHoldOptions} from './guarded-hold.js'

/** No process has this variable in its environment: the processes that work under the hold are not known. */
const markedBy = 'BATON_LOCK_HOLD'

export interface HoldWhileOptions extends Omit<GuardedHoldOptions, 'markedBy' | 'afterDeath'> {
  /** Resolves when the lock is to be released. It must resolve soon after `hold.signal` has aborted. */
  readonly whileHeld: (hold: Hold) => Promise<void>
}

/**
 * Acquires a lock and keeps it for work that other processes do. Rejects with a LockLostError if the lock is lost, so
 * early that the work has the grace to stop. If this process is killed, the lock-delay runs before another contender
 * can hold the lock.
 */
export async function holdWhile(client: ConsulClient, options: HoldWhileOptions): Promise<ReleaseReport> {
  const {prefix, whileHeld} = options
  const {hold, guardian} = await acquireGuarded(client, {...options, markedBy, afterDeath: 'expire'})
  let report: ReleaseReport
  try {
    await whileHeld(hold)
  } finally {
    report = await hold.release()
    guardian?.released()
  }
  if (hold.signal.aborted) throw hold.signal.reason
  if (report.lock === 'lost') throw new LockLostError(`lock ${prefix}: lost before it was released`)
  return report
}
