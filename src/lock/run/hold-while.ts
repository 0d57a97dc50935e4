import type {ConsulClient} from '../../core/client.js'
import {LockLostError} from '../../core/errors.js'
import type {Hold, ReleaseReport} from '../types.js'
import {acquireGuarded, type GuardedHoldOptions} from './guarded-hold.js'

/**
 * Name of the environment variable by which the guardian process looks for processes. No process has it, because it is
 * not known which processes work under the hold.
 */
const markedBy = 'BATON_LOCK_HOLD'

export interface HoldWhileOptions extends Omit<GuardedHoldOptions, 'markedBy' | 'afterDeath'> {
  /** Resolves when the lock is to be released. It must resolve soon after `hold.signal` has aborted. */
  readonly whileHeld: (hold: Hold) => Promise<void>
}

/**
 * Acquires a lock and keeps it for work that other processes do. If the lock is lost, rejects with a
 * LockLostError early enough that the work can use the whole grace to stop. If this process is killed, no
 * other contender can hold the lock until the lock-delay has passed.
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
