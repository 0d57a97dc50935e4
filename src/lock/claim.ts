import {aclRuleText} from '../core/api/acl-rule.js'
import type {ConsulClient} from '../core/client.js'
import {semaphoreFlags} from '../core/consul-constants.js'
import {BatonError, LockLostError} from '../core/errors.js'
import type {CallOptions, KvOperation, SessionId, TxnResult} from '../core/types.js'
import {joinKey, lockKey} from './wire/names.js'
import {parseSemaphoreDocument, pruneHolders} from './wire/semaphore-document.js'

/**
 * Describes a hold to other processes. A command that runs under the lock finds these values in its
 * environment variables.
 */
export interface HoldClaim {
  readonly prefix: string
  /** Prefixes of further mutexes that the hold has. @default none */
  readonly also?: readonly string[]
  readonly session: SessionId
  readonly mode: 'mutex' | 'semaphore'
}

/**
 * Returns operations that Consul refuses once the hold is over. The key of a mutex is locked by its session. A slot of
 * a semaphore lasts as long as its contender's key, which no other contender may delete.
 */
const fencesOf = ({prefix, also = [], session, mode}: HoldClaim): readonly KvOperation[] => {
  const keys = mode === 'mutex' ? [prefix, ...also].map(lockKey) : [joinKey(prefix, session)]
  return keys.map(key => ({verb: 'check-session', key, session}))
}

/**
 * Commits a transaction that Consul refuses if the hold has ended. If it is refused for this reason, nothing is
 * written, and the function rejects with a LockLostError.
 */
export async function commitFenced(
  client: ConsulClient,
  claim: HoldClaim,
  operations: readonly KvOperation[],
  options: CallOptions = {},
): Promise<TxnResult> {
  const fences = fencesOf(claim)
  const result = await client.txn.commit([...fences, ...operations], options)
  if (result.committed) return result
  const refusal = result.errors.find(({opIndex}) => opIndex < fences.length)
  if (refusal) {
    const {prefix, session} = claim
    if (refusal.what.includes('Permission denied')) {
      const segment = fences[refusal.opIndex]?.key ?? lockKey(prefix)
      const hint = `the token lacks ${aclRuleText({resource: 'key', segment, access: 'read'})}`
      const details = {prefix, session}
      throw new BatonError('BATON_ACL_DENIED', `lock ${prefix}: nothing was written: ${refusal.what}`, {hint, details})
    }
    const text = `lock ${prefix}: session ${session} does not hold it any more: nothing was written`
    throw new LockLostError(text, {details: {prefix, session, why: refusal.what}})
  }
  return {...result, errors: result.errors.map(error => ({...error, opIndex: error.opIndex - fences.length}))}
}

/**
 * Checks with consistent reads whether the session still holds the lock. Resolves to the reason why it does not, or to
 * undefined.
 */
export async function disproveClaim(
  client: ConsulClient,
  {prefix, also = [], session, mode}: HoldClaim,
  options: CallOptions = {},
): Promise<string | undefined> {
  for (const further of also) {
    const why = await disproveClaim(client, {prefix: further, session, mode}, options)
    if (why !== undefined) return `${lockKey(further)}: ${why}`
  }
  const key = lockKey(prefix)
  const read = {...options, consistency: 'consistent'} as const
  const {value: entry} = await client.kv.get(key, read)
  if (!entry) return `${key} does not exist`
  if (mode === 'mutex') {
    if (entry.session === session) return undefined
    return entry.session === undefined ? 'it is free' : `session ${entry.session} holds it`
  }
  if (entry.flags !== semaphoreFlags) return `${key} is not that of a semaphore`
  const {value: own} = await client.kv.get(joinKey(prefix, session), read)
  const document = parseSemaphoreDocument(key, entry.value)
  const holders = document ? pruneHolders(document, own ? [own] : []).holders : []
  return holders.includes(session) ? undefined : 'its session has no slot'
}
