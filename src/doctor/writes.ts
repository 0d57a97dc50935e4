import {missingRules} from '../core/api/acl-authorize.js'
import {aclRuleText} from '../core/api/acl-rule.js'
import type {ConsulClient} from '../core/client.js'
import {isBatonError, messageOf} from '../core/errors.js'
import {commandNeeds} from './needs.js'
import type {Finding} from './types.js'

/** Asks Consul for which commands the token has the permissions. Writes nothing. */
export async function examineWrites(client: ConsulClient, key: string): Promise<readonly Finding[]> {
  const needs = commandNeeds(key)
  const rules = needs.flatMap(need => need.rules)
  let missing: ReadonlySet<string>
  try {
    missing = new Set((await missingRules(client.caller, rules)).map(aclRuleText))
  } catch (error) {
    const isUnserved = isBatonError(error) && !error.transient
    const text = `to write: could not be determined: ${isUnserved ? 'this agent does not report it' : messageOf(error)}`
    return [{check: 'rights', verdict: isUnserved ? 'ok' : 'warn', text}]
  }
  if (rules.every(rule => missing.has(aclRuleText(rule)))) {
    const text = "the token has none of the permissions that baton's commands need"
    return [{check: 'rights', verdict: 'fail', text, fix: 'give the token a policy: see the rules in docs/commands'}]
  }
  const lacks = (need: (typeof needs)[number]): readonly string[] =>
    need.rules.map(aclRuleText).filter(rule => missing.has(rule))
  const able = needs.filter(need => lacks(need).length === 0).map(({command}) => command)
  const unable = needs.filter(need => lacks(need).length > 0)
  return [
    ...(able.length > 0 ? [{check: 'rights', verdict: 'ok', text: `suffice for ${able.join(', ')}`} as const] : []),
    ...unable.map(
      (need): Finding => ({
        check: 'rights',
        verdict: 'warn',
        text: `do not suffice for ${need.command}`,
        fix: lacks(need).join(' '),
      }),
    ),
  ]
}
