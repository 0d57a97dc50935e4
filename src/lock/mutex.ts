import {checkOptions} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {clientRule} from '../core/context-rules.js'
import {UsageError} from '../core/errors.js'
import {mutexKindOf} from './contend/mutex-kind-of.js'
import {inspectLock} from './inspect.js'
import {createLock} from './lock.js'
import {lockRules, signalRules} from './option-rules.js'
import type {LockOptions, Mutex} from './types.js'
import {checkPrefix, lockKey} from './wire/names.js'

/** The release of a key takes up to four operations of a transaction, which has at most 64. */
const mostKeys = 15

/**
 * Creates a lock with one holder at a time, which also excludes holders of `consul lock`. Sends nothing until the lock
 * is acquired. Throws a UsageError if an option is not valid, or if Consul cannot serve the key.
 *
 * @example
 * ```ts
 * const mutex = createMutex(client, {prefix: 'locks/report'})
 * await mutex.withLock(async hold => {
 *   hold.signal.aborted // => false
 *   await mutex.tryAcquire() // => undefined
 * })
 * ```
 */
export function createMutex(client: ConsulClient, options: LockOptions): Mutex {
  checkOptions('createMutex', {client}, {client: clientRule}, ['client'])
  checkMutexOptions(options)
  return {
    ...createLock(client, options, observed => mutexKindOf(client, observed)),
    async holder(readOptions = {}) {
      checkOptions('holder', readOptions, signalRules)
      return (await inspectLock(client, options.prefix, readOptions)).holders[0]
    },
  }
}

export function checkMutexOptions(options: LockOptions): void {
  checkOptions('createMutex', options, lockRules, ['prefix'])
  const {prefix, also = []} = options
  const prefixes = [prefix, ...also]
  for (const one of prefixes) checkPrefix(one)
  const keys = new Set(prefixes.map(lockKey))
  if (keys.size < prefixes.length) throw new UsageError(`lock ${prefix}: one of its keys is named twice`)
  if (keys.size > mostKeys) {
    throw new UsageError(`lock ${prefix}: at most ${mostKeys} keys can be acquired together, not ${keys.size}`, {
      hint: 'a transaction of Consul has at most 64 operations',
    })
  }
}
