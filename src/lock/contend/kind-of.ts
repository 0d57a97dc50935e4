import type {ConsulClient} from '../../core/client.js'
import type {LockKind} from '../kind.js'
import {checkMutexOptions} from '../mutex.js'
import {checkSemaphoreOptions} from '../semaphore.js'
import type {SemaphoreOptions} from '../types.js'
import {mutexKindOf} from './mutex-kind-of.js'
import {SemaphoreKind} from './semaphore-kind.js'

/**
 * Returns the kind of lock that has this maximum number of holders. Throws a UsageError if an option is not valid, or
 * if Consul cannot serve the key.
 */
export function kindOf(client: ConsulClient, options: SemaphoreOptions): LockKind {
  if (options.limit > 1) {
    checkSemaphoreOptions(options)
    return new SemaphoreKind(client, options)
  }
  checkMutexOptions(options)
  return mutexKindOf(client, options)
}
