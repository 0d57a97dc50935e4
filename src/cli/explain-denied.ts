import {missingRules} from '../core/api/acl-authorize.js'
import {aclRuleText} from '../core/api/acl-rule.js'
import {type ClientOptions, createClient} from '../core/client.js'
import {PermissionError} from '../core/errors.js'
import {commandNeeds} from '../doctor/needs.js'

const timeoutMs = 2000

/**
 * Returns the error with a hint that names all rules that the token lacks for the command, so that one change of a
 * policy is enough: Consul refuses a single request, and does not say what the next ones need. Returns the error
 * unchanged if Consul does not report what is missing, and for a command that needs only one rule, because the error
 * already names it.
 */
export async function explainDenied(
  error: PermissionError,
  {command, key, client: options}: {readonly command: string; readonly key: string; readonly client: ClientOptions},
): Promise<PermissionError> {
  const needs = commandNeeds(key).find(need => need.command === command)
  if (!needs || needs.rules.length === 1) return error
  await using client = createClient(options)
  const missing = await missingRules(client.caller, needs.rules, {timeoutMs}).catch(() => [])
  if (missing.length === 0) return error
  const {message, status, text, details} = error
  const hint = `the token lacks ${missing.map(aclRuleText).join(' ')}`
  return new PermissionError('BATON_ACL_DENIED', message, {status, text, details, hint, cause: error})
}
