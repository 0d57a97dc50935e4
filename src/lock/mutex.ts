import {checkOptions} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {clientRule} from '../core/context-rules.js'
import {MutexKind} from './contend/mutex-kind.js'
import {inspectLock} from './inspect.js'
import {createLock} from './lock.js'
import {lockRules, signalRules} from './option-rules.js'
import type {LockOptions, Mutex} from './types.js'
import {checkPrefix} from './wire/names.js'

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
    ...createLock(client, options, new MutexKind(client, options)),
    async holder(readOptions = {}) {
      checkOptions('holder', readOptions, signalRules)
      return (await inspectLock(client, options.prefix, readOptions)).holders[0]
    },
  }
}

export function checkMutexOptions(options: LockOptions): void {
  checkOptions('createMutex', options, lockRules, ['prefix'])
  checkPrefix(options.prefix)
}
