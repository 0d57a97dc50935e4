import {missingRules} from '../../core/api/acl-authorize.js'
import {aclRuleText} from '../../core/api/acl-rule.js'
import type {ConsulClient} from '../../core/client.js'
import {formatMapping} from '../../replicate/mapping.js'
import type {MappingOptions} from '../../replicate/types.js'

const timeoutMs = 2000

/** The clients of both sides of a mapping. */
export interface Sides {
  /** For mappings that have no client of their own for the source. */
  readonly source: ConsulClient
  /** Set if the destination is only read. A client that writes there gets an error if it may not read. */
  readonly destination?: ConsulClient
}

/**
 * Yields a line for each source and each destination that the token may not read, because Consul silently leaves out of
 * a list what the token may not read. If Consul does not report permissions, or does not answer, yields nothing: the
 * lines are only hints.
 */
export async function* unreadableLines(
  mappings: readonly MappingOptions[],
  {source, destination}: Sides,
): AsyncGenerator<string, void, undefined> {
  for (const mapping of mappings) {
    for (const lacks of [
      await lackOf(mapping.sourceClient ?? source, mapping.source, mapping.datacenter),
      destination && (await lackOf(destination, mapping.destination, undefined)),
    ]) {
      if (lacks === undefined) continue
      yield `replicate ${formatMapping(mapping)}: what the token may not read is left out: it lacks ${lacks}`
    }
  }
}

/** Returns the rule for reading a prefix if the token lacks it; undefined if it has it, or if Consul does not tell. */
async function lackOf(
  client: ConsulClient,
  prefix: string,
  datacenter: string | undefined,
): Promise<string | undefined> {
  const rule = {resource: 'key', segment: prefix, isPrefix: true, access: 'read'} as const
  const options = {timeoutMs, ...(datacenter !== undefined && {datacenter})}
  const lacked = await missingRules(client.caller, [rule], options).catch(() => [])
  if (lacked.length === 0) return undefined
  return `${aclRuleText(rule)}${datacenter === undefined ? '' : ` (in ${datacenter})`}`
}
