import {boolean, checkOptions, type OptionRule, object, text as string} from '../core/check-options.js'
import {UsageError} from '../core/errors.js'
import type {Mapping} from './types.js'

export interface ParseOptions {
  /**
   * If false, a mapping may omit the source's datacenter, because the source has an address of its own.
   * @default true
   */
  readonly datacenterRequired?: boolean
}

/**
 * Reads `source@dc[:destination]`. The first colon ends the source, so a destination may contain `:` and `@`. One
 * leading `/` of the source is dropped; `/` alone is the root. Without a destination, the source's prefix is used.
 * Throws a UsageError if the text is not a mapping, or if Consul's HTTP API has no path for one of its prefixes.
 *
 * @example
 * ```ts
 * parseMapping('app/@dc1:backup/app/') // => {source: 'app/', datacenter: 'dc1', destination: 'backup/app/'}
 * ```
 */
export function parseMapping(text: string, options: ParseOptions = {}): Mapping {
  checkOptions('parseMapping', {text}, {text: string}, ['text'])
  checkOptions('parseMapping', options, {datacenterRequired: boolean})
  const colon = text.indexOf(':')
  const left = colon < 0 ? text : text.slice(0, colon)
  const right = colon < 0 ? '' : text.slice(colon + 1)
  const at = left.indexOf('@')
  const path = at < 0 ? left : left.slice(0, at)
  const datacenter = at < 0 ? undefined : left.slice(at + 1)
  const hint = 'write it as SOURCE@DATACENTER[:DESTINATION], for example app/@dc1:backup/app/'
  if (path === '') throw new UsageError(`prefix '${text}': missing source`, {hint})
  if (datacenter === undefined && (options.datacenterRequired ?? true)) {
    throw new UsageError(`prefix '${text}': missing datacenter`, {hint})
  }
  if (datacenter !== undefined && !/^[A-Za-z0-9_.-]+$/.test(datacenter)) {
    throw new UsageError(`prefix '${text}': '${datacenter}' is not a datacenter`, {hint})
  }
  const source = path.startsWith('/') ? path.slice(1) : path
  const destination = right === '' ? source : right === '/' ? '' : right
  checkPrefix(text, source)
  checkPrefix(text, destination)
  return {source, datacenter, destination}
}

/** Throws a UsageError if no request path can contain the prefix. */
function checkPrefix(text: string, prefix: string): void {
  const segments = prefix.split('/')
  const inner = segments.slice(0, -1)
  if (prefix.startsWith('/') || inner.includes('') || segments.includes('.') || segments.includes('..')) {
    throw new UsageError(`prefix '${text}': '${prefix}' cannot be listed`, {
      hint: "a prefix has no leading '/', no '//' and no '.' or '..' between slashes",
    })
  }
}

const mappingRules = {source: string, datacenter: string, destination: string}
const mappingRule: OptionRule = {
  expected: 'an object with a source and a destination',
  accepts: value => object.accepts(value) && Object.keys(value as object).length > 0,
}

/**
 * Returns the mapping as text for logs, messages and IDs.
 *
 * @example
 * ```ts
 * formatMapping(parseMapping('app/@dc1:backup/')) // => 'app/@dc1 -> backup/'
 * ```
 */
export const formatMapping = (mapping: Mapping): string => {
  checkOptions('formatMapping', {mapping}, {mapping: mappingRule}, ['mapping'])
  checkOptions('formatMapping', mapping, mappingRules, ['source', 'destination'])
  const dc = mapping.datacenter === undefined ? '' : `@${mapping.datacenter}`
  return `${mapping.source === '' ? '/' : mapping.source}${dc} -> ${mapping.destination === '' ? '/' : mapping.destination}`
}

/** True if one text is a prefix of the other. */
export const overlap = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a)

/**
 * Throws a UsageError if two destinations overlap, because each of the two mappings would keep deleting the
 * keys of the other.
 */
export function checkMappings(mappings: readonly Mapping[]): void {
  mappings.forEach((mapping, at) => {
    const other = mappings.slice(0, at).find(earlier => overlap(earlier.destination, mapping.destination))
    if (!other) return
    throw new UsageError(
      `replicate: the destinations of '${formatMapping(other)}' and '${formatMapping(mapping)}' overlap`,
      {hint: 'each would delete what the other copies: give them separate destinations'},
    )
  })
}

/**
 * Throws a UsageError if a source in the destination's own datacenter overlaps a destination, because its
 * keys would be copied again and again.
 */
export function checkWithinDatacenter(mappings: readonly Mapping[], isLocal: (mapping: Mapping) => boolean): void {
  for (const mapping of mappings.filter(isLocal)) {
    const other = mappings.find(candidate => overlap(mapping.source, candidate.destination))
    if (!other) continue
    throw new UsageError(
      `replicate ${formatMapping(mapping)}: the source is in the destination's own datacenter and overlaps '${other.destination}'`,
      {hint: 'within one datacenter, source and destination must not share keys'},
    )
  }
}
