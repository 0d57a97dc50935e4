import type {BulkLimits} from '../../core/bulk/pack.js'
import type {ConsulClient} from '../../core/client.js'
import {LockLostError, UsageError} from '../../core/errors.js'
import type {KvOperation} from '../../core/types.js'
import type {Fence} from '../types.js'

/** The methods of a client that write the copies. */
export type Writer = Pick<ConsulClient, 'kv' | 'txn' | 'scope'>

const checkBytes = 600

/** Returns the limits with one operation fewer, to leave room for the check of the lock in each transaction. */
export function leaveRoom(limits: BulkLimits): BulkLimits {
  return {operationCount: limits.operationCount - 1, bytes: limits.bytes - checkBytes}
}

/**
 * Returns a client whose transactions begin with a check that the session still holds the lock. Consul
 * applies the writes only if the check succeeds, so a process that was suspended for a long time cannot write
 * after another one has acquired the lock. Single writes cannot contain the check, and are refused.
 */
export function fencedClient(client: ConsulClient, {key, session}: Fence): Writer {
  const check = {verb: 'check-session', key, session} as KvOperation
  const alone = (name: string): Promise<never> =>
    Promise.reject(new UsageError(`${name}: too large for a transaction, without which the lock cannot be checked`))
  return {
    scope: client.scope,
    kv: {...client.kv, put: alone, cas: alone},
    txn: {
      ...client.txn,
      async commit(operations, options) {
        const result = await client.txn.commit([check, ...operations], options)
        if (result.committed) return result
        if (result.errors.some(({opIndex}) => opIndex === 0)) {
          throw new LockLostError(`replicate: the lock ${key} is not held any more`, {details: {key, session}})
        }
        return {...result, errors: result.errors.map(error => ({...error, opIndex: error.opIndex - 1}))}
      },
    },
  }
}
