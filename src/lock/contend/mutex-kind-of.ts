import type {ConsulClient} from '../../core/client.js'
import type {LockKind} from '../kind.js'
import type {LockOptions} from '../types.js'
import {JointKind} from './joint-kind.js'
import {MutexKind} from './mutex-kind.js'

/** Returns the kind of a mutex that has one key, or of several that are acquired together. */
export const mutexKindOf = (client: ConsulClient, options: LockOptions): LockKind =>
  (options.also ?? []).length > 0 ? new JointKind(client, options) : new MutexKind(client, options)
