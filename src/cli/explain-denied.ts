import {missingRules} from '../core/api/acl-authorize.js'
import {type AclRule, aclRuleText} from '../core/api/acl-rule.js'
import {type ClientOptions, createClient} from '../core/client.js'
import {PermissionError} from '../core/errors.js'

const timeoutMs = 2000

/**
 * Returns the rules that the token lacks, as texts that can be pasted into a policy. Empty if it lacks none, or if
 * Consul does not report what it lacks.
 */
export async function lackedRules(rules: readonly AclRule[], options: ClientOptions): Promise<readonly string[]> {
  await using client = createClient(options)
  const missing = await missingRules(client.caller, rules, {timeoutMs}).catch(() => [])
  return missing.map(aclRuleText)
}

/**
 * Returns the error with a hint that names all rules that the token lacks for the command, so that one change of a
 * policy is enough. Consul itself names only the rule of the request that it refused. Returns the error unchanged if
 * Consul does not report what is missing, or if the command needs only the rule that the error already names.
 */
export async function explainDenied(
  error: PermissionError,
  {rules, client}: {readonly rules: readonly AclRule[]; readonly client: ClientOptions},
): Promise<PermissionError> {
  if (rules.length === 0 || (rules.length === 1 && error.hint !== undefined && error.hint.includes('{'))) return error
  const lacked = await lackedRules(rules, client)
  if (lacked.length === 0) return error
  const {message, status, text, details} = error
  return new PermissionError('BATON_ACL_DENIED', message, {
    status,
    text,
    details,
    hint: `the token lacks ${lacked.join(' ')}`,
    cause: error,
  })
}
