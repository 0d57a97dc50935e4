import {missingRules} from '../../core/api/acl-authorize.js'
import {aclRuleText} from '../../core/api/acl-rule.js'
import type {ConsulClient} from '../../core/client.js'
import {formatMapping} from '../../replicate/mapping.js'
import type {MappingOptions} from '../../replicate/types.js'

const timeoutMs = 2000

/**
 * Yields a line for each mapping whose source the token may not read, because Consul silently leaves out of a list what
 * the token may not read. `source` is the client for mappings that have none of their own. If Consul does not report
 * permissions, or does not answer, yields nothing: the lines are only hints.
 */
export async function* unreadableLines(
  mappings: readonly MappingOptions[],
  source: ConsulClient,
): AsyncGenerator<string, void, undefined> {
  for (const mapping of mappings) {
    const rule = {resource: 'key', segment: mapping.source, isPrefix: true, access: 'read'} as const
    const {caller} = mapping.sourceClient ?? source
    const {datacenter} = mapping
    const options = {timeoutMs, ...(datacenter !== undefined && {datacenter})}
    const lacked = await missingRules(caller, [rule], options).catch(() => [])
    if (lacked.length === 0) continue
    const where = datacenter === undefined ? '' : ` (in ${datacenter})`
    const lacks = `it lacks ${aclRuleText(rule)}${where}`
    yield `replicate ${formatMapping(mapping)}: what the token may not read is left out: ${lacks}`
  }
}
