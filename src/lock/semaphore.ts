import {checkOptions, count} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {clientRule} from '../core/context-rules.js'
import {UsageError} from '../core/errors.js'
import {SemaphoreKind} from './contend/semaphore-kind.js'
import {createLock} from './lock.js'
import {lockRules, signalRules} from './option-rules.js'
import type {Semaphore, SemaphoreOptions} from './types.js'
import {checkPrefix} from './wire/names.js'

/**
 * Creates a lock with up to `limit` holders at a time, which share their slots with `consul lock -n`. Throws a
 * UsageError if an option is not valid, or if Consul cannot serve the key.
 *
 * @example
 * ```ts
 * const semaphore = createSemaphore(client, {prefix: 'locks/build', limit: 2})
 * await using one = await semaphore.acquire({timeoutMs: 5000})
 * await using other = await semaphore.acquire({timeoutMs: 5000})
 * const holders = await semaphore.holders()
 * holders.includes(one.session) && holders.includes(other.session) // => true
 * ```
 */
export function createSemaphore(client: ConsulClient, options: SemaphoreOptions): Semaphore {
  checkOptions('createSemaphore', {client}, {client: clientRule}, ['client'])
  checkSemaphoreOptions(options)
  const kind = new SemaphoreKind(client, options)
  return {
    ...createLock(client, options, observed => new SemaphoreKind(client, observed)),
    limit: options.limit,
    async holders(readOptions = {}) {
      checkOptions('holders', readOptions, signalRules)
      return (await kind.read(readOptions)).document.holders
    },
  }
}

export function checkSemaphoreOptions(options: SemaphoreOptions): void {
  checkOptions('createSemaphore', options, {...lockRules, limit: count({min: 1})}, ['prefix', 'limit'])
  checkPrefix(options.prefix)
  if ((options.also ?? []).length > 0)
    throw new UsageError('lock: a semaphore cannot be acquired together with other keys')
  if (options.prefix.replace(/^\//, '') === '') throw new UsageError('lock: a semaphore needs a prefix')
}
