import {callback, checkOptions} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {LockLostError} from '../core/errors.js'
import {Acquisition} from './acquisition.js'
import type {LockKind} from './kind.js'
import {acquireRules, tryRules} from './option-rules.js'
import type {Hold, Lock, LockOptions} from './types.js'

/** Creates the object that callers use as the lock. `kindOf` makes the kind of lock that reports to the observer. */
export function createLock<Options extends LockOptions>(
  client: ConsulClient,
  options: Options,
  kindOf: (options: Options) => LockKind,
): Lock {
  const kind = kindOf(options)
  const acquisition = (observer: LockOptions['observer']): Acquisition => {
    if (!observer) return new Acquisition(client, options, kind)
    const report: LockOptions['observer'] = event => {
      options.observer?.(event)
      observer(event)
    }
    const observed = {...options, observer: report}
    return new Acquisition(client, observed, kindOf(observed))
  }
  const acquire: Lock['acquire'] = async (acquireOptions = {}) => {
    checkOptions('acquire', acquireOptions, acquireRules)
    const hold = await acquisition(acquireOptions.observer).run({...acquireOptions, isOnce: false})
    // `run` resolves to undefined only with `isOnce`.
    return hold as Hold
  }
  return {
    acquire,
    async tryAcquire(acquireOptions = {}) {
      checkOptions('tryAcquire', acquireOptions, tryRules)
      return acquisition(acquireOptions.observer).run({...acquireOptions, isOnce: true})
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
