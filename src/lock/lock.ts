import {callback, checkOptions} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {LockLostError} from '../core/errors.js'
import {Acquisition} from './acquisition.js'
import type {LockKind} from './kind.js'
import {acquireRules, signalRules} from './option-rules.js'
import type {Hold, Lock, LockOptions} from './types.js'

/** Creates the object that callers use as the lock, for any kind of lock. */
export function createLock(client: ConsulClient, options: LockOptions, kind: LockKind): Lock {
  const acquisition = (): Acquisition => new Acquisition(client, options, kind)
  const acquire: Lock['acquire'] = async (acquireOptions = {}) => {
    checkOptions('acquire', acquireOptions, acquireRules)
    const hold = await acquisition().run({...acquireOptions, isOnce: false})
    // `run` resolves to undefined only with `isOnce`.
    return hold as Hold
  }
  return {
    acquire,
    async tryAcquire(acquireOptions = {}) {
      checkOptions('tryAcquire', acquireOptions, signalRules)
      return acquisition().run({...acquireOptions, isOnce: true})
    },
    async withLock(fn, acquireOptions) {
      checkOptions('withLock', {fn}, {fn: callback}, ['fn'])
      const hold = await acquire(acquireOptions)
      try {
        return await fn(hold)
      } finally {
        const report = await hold.release()
        // A result that was computed after the lock was lost must not look like one that was computed
        // under the lock.
        if (hold.signal.aborted) throw hold.signal.reason
        if (report.lock === 'lost') throw new LockLostError(`lock ${options.prefix}: lost before it was released`)
      }
    },
  }
}
