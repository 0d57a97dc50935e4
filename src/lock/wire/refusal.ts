import {aclRuleText} from '../../core/api/acl-rule.js'
import {BatonError, PermissionError, SessionLostError} from '../../core/errors.js'
import type {SessionId, TxnError} from '../../core/types.js'

/** Why Consul refused the transaction that acquires a lock. */
export type Refusal = 'held' | 'lock-delay' | 'changed'

/** Returns the reason according to the texts of Consul's errors. Throws if waiting cannot help. */
export function toRefusal(errors: readonly TxnError[], session: SessionId, key: string): Refusal {
  const texts = errors.map(error => error.what)
  const some = (pattern: RegExp): boolean => texts.some(text => pattern.test(text))
  if (some(denied)) throw refused(errors, key)
  if (some(/invalid session/i)) {
    throw new SessionLostError(`session ${session}: Consul does not know it`, {details: {session, isEnded: true}})
  }
  if (some(/due to lock delay/)) return 'lock-delay'
  if (some(/already held/)) return 'held'
  if (some(/stale|exist|failed index check|check failed|current modify index|isn't held|another session/i)) {
    return 'changed'
  }
  throw refused(errors, key)
}

const denied = /Permission denied|ACL not found/

/** Returns the error for a transaction that Consul would refuse again if it were repeated. */
export function refused(errors: readonly TxnError[], key: string): BatonError {
  const text = errors.map(error => error.what).join('; ')
  if (!denied.test(text)) return new BatonError('BATON_HTTP', `Consul refused the request for ${key}: ${text}`)
  return new PermissionError('BATON_ACL_DENIED', `Consul refused to write ${key}: ${text}`, {
    status: 403,
    text,
    hint: `the token lacks ${aclRuleText({resource: 'key', segment: key, access: 'write'})}`,
  })
}
