import type {Environment} from '../../config/environment.js'
import type {PrefixSettings} from '../../config/replicate-schema.js'
import {brief} from '../../core/brief.js'
import {messageOf, UsageError} from '../../core/errors.js'
import {parseDuration} from '../../core/time/duration.js'
import {formatMapping, parseMapping} from '../../replicate/mapping.js'
import {parseDeleteBudget} from '../../replicate/plan/delete-budget.js'
import {parseMaxDelete} from '../../replicate/plan/max-delete.js'
import type {DriftRule, Mapping, ReplicatorOptions, UndoKeeping} from '../../replicate/types.js'
import {stateDirectory} from '../directories.js'
import {type LogLevel, parseLogLevel} from './flags.js'
import {type PatternTexts, toFilter} from './patterns.js'
import {checkStatusDir} from './status-dir.js'

/** The flags that determine a replicator's options, as parsed. */
export interface ReplicateFlags extends PatternTexts {
  readonly prefix?: readonly string[] | undefined
  readonly 'lock-keys': 'skip' | 'copy'
  readonly delete: boolean
  readonly 'max-delete': string
  readonly 'delete-budget'?: string | undefined
  readonly 'approve-deletes': boolean
  readonly approve?: readonly string[] | undefined
  readonly 'max-stale'?: number | undefined
  readonly stale?: boolean | undefined
  readonly wait?: string | undefined
  readonly 'status-dir': string
  readonly grace?: number | undefined
  readonly 'shard-above': number
  readonly 'audit-every'?: number | undefined
  readonly compress?: boolean | undefined
  readonly heartbeat?: number | undefined
  readonly 'undo-keep'?: number | undefined
  readonly 'undo-dir'?: string | undefined
  readonly 'consul-retry': boolean
  readonly 'consul-retry-attempts': number
  readonly 'source-http-addr'?: string | undefined
  readonly 'on-drift': DriftRule | undefined
  readonly report: boolean
  readonly protect: boolean
}

/** Returns the replicator's options according to flags and arguments. Throws a UsageError for the first invalid one. */
export async function toReplicatorOptions(
  flags: ReplicateFlags,
  words: readonly string[],
  prefixes: readonly PrefixSettings[] = [],
): Promise<Omit<ReplicatorOptions, 'source' | 'mappings'> & {readonly mappings: readonly Mapping[]}> {
  const maxStaleMs = flags['max-stale'] ?? (flags.stale === true ? 2000 : 0)
  const attempts = flags['consul-retry'] ? flags['consul-retry-attempts'] : 1
  return {
    mappings: toMappings([...words, ...(flags.prefix ?? [])], text => needsDatacenter(text, flags, prefixes)),
    ...(await toFilter(flags)),
    onDrift: toDriftRule(flags),
    lockKeys: flags['lock-keys'],
    canDelete: flags.delete,
    maxDelete: parseMaxDelete(flags['max-delete']),
    ...(flags['delete-budget'] !== undefined && {deleteBudget: parseDeleteBudget(flags['delete-budget'])}),
    approved: [...(flags.approve ?? []), ...(flags['approve-deletes'] ? ['all'] : [])],
    statusDir: checkStatusDir(flags['status-dir']),
    attempts: attempts === 0 ? Number.POSITIVE_INFINITY : attempts,
    ...(maxStaleMs > 0 && {maxStaleMs}),
    ...(flags.wait !== undefined && toQuiescence(flags.wait)),
    ...(flags.grace !== undefined && {graceMs: flags.grace}),
    shardAbove: flags['shard-above'],
    ...(flags['audit-every'] !== undefined && {auditEveryMs: flags['audit-every']}),
    ...(flags.heartbeat !== undefined && {heartbeatMs: flags.heartbeat}),
    ...(flags.compress !== undefined && {compress: flags.compress}),
  }
}

/** Returns the directory for overwritten and deleted entries. */
export const undoDirectory = (flags: Pick<ReplicateFlags, 'undo-dir'>, env: Environment): string =>
  flags['undo-dir'] ?? stateDirectory(env, 'replicate')

/** Returns where and for how long overwritten and deleted entries are kept; undefined if they are not kept. */
export const toUndo = (flags: ReplicateFlags, env: Environment): UndoKeeping | undefined =>
  flags['undo-keep'] === 0
    ? undefined
    : {directory: undoDirectory(flags, env), ...(flags['undo-keep'] !== undefined && {keepMs: flags['undo-keep']})}

/** Throws if a prefix in a file is not valid. The error is a configuration error, because there is no flag to name. */
export function checkConfiguredPrefixes(
  path: string,
  settings: Readonly<Record<string, unknown>>,
  env: Environment,
  {typed, prefixes}: {readonly typed: readonly string[]; readonly prefixes: readonly PrefixSettings[]},
): void {
  const hasSource =
    settings['source-http-addr'] !== undefined ||
    env['BATON_SOURCE_HTTP_ADDR'] !== undefined ||
    typed.some(word => /^--?source-http-addr(=|$)/.test(word))
  for (const text of [settings['prefix'] ?? []].flat()) {
    if (typeof text !== 'string')
      throw new UsageError(`config: ${path}: prefix must be a string`, {code: 'BATON_CONFIG'})
    try {
      parseMapping(text, {datacenterRequired: !hasSource && needsDatacenter(text, {}, prefixes)})
    } catch (error) {
      throw new UsageError(`config: ${path}: ${messageOf(error)}`, {code: 'BATON_CONFIG', cause: error})
    }
  }
}

function toDriftRule(flags: ReplicateFlags): DriftRule {
  const given = [
    ...(flags['on-drift'] === undefined ? [] : [flags['on-drift']]),
    ...(flags.report ? (['report'] as const) : []),
    ...(flags.protect ? (['protect'] as const) : []),
  ]
  const [first = 'repair', other = first] = new Set(given)
  if (other === first) return first
  throw new UsageError(`--on-drift: both ${first} and ${other}`, {hint: 'leave one of them out'})
}

/**
 * False for a source with an address of its own, because such a source is in the datacenter of the agent at that
 * address.
 */
const needsDatacenter = (
  text: string,
  flags: Pick<ReplicateFlags, 'source-http-addr'>,
  prefixes: readonly PrefixSettings[],
): boolean =>
  flags['source-http-addr'] === undefined &&
  !prefixes.some(({prefix, from}) => prefix === text && from?.['http-addr'] !== undefined)

/** Returns the mappings without duplicates, because arguments, flags and files may name the same mapping. */
function toMappings(words: readonly string[], isRequired: (word: string) => boolean): readonly Mapping[] {
  const mappings = words.map(word => parseMapping(word, {datacenterRequired: isRequired(word)}))
  if (mappings.length === 0) {
    throw new UsageError('replicate: nothing to replicate', {
      hint: 'name a prefix: baton replicate app/@dc1:backup/app/',
    })
  }
  return [...new Map(mappings.map(mapping => [formatMapping(mapping), mapping])).values()]
}

/** Returns warnings about options whose effect may be unintended. */
export function doubtfulOptions({
  mappings,
  excludes: all = [],
  includes = [],
}: Pick<ReplicatorOptions, 'mappings' | 'excludes' | 'includes'>): readonly string[] {
  const excludes = all.filter(pattern => typeof pattern === 'string')
  const isInSource = (prefix: string): boolean =>
    mappings.some(({source}) => source.startsWith(prefix) || prefix.startsWith(source))
  return [
    ...mappings.flatMap(mapping => {
      const whole = excludes.find(prefix => mapping.source.startsWith(prefix))
      return whole === undefined ? [] : [`--exclude ${whole}: leaves out every key of ${formatMapping(mapping)}`]
    }),
    ...excludes
      .filter(prefix => !isInSource(prefix))
      .map(prefix => `--exclude ${prefix}: no source has such keys, so it has no effect`),
    ...includes
      .filter(prefix => typeof prefix === 'string')
      .filter(prefix => !isInSource(prefix))
      .map(prefix => `--include ${prefix}: no source has such keys, so it selects none`),
    ...mappings
      .filter(({destination}) => destination.includes('@'))
      .map(
        mapping =>
          `replicate ${formatMapping(mapping)}: '@' is part of the destination's name: the destination is always in the agent's own datacenter`,
      ),
  ]
}

function toQuiescence(text: string): Pick<ReplicatorOptions, 'quiescence'> {
  const [least = '', most, ...rest] = text.split(':')
  const minMs = parseDuration(least, '--wait')
  const maxMs = most === undefined ? 4 * minMs : parseDuration(most, '--wait')
  if (rest.length > 0 || minMs < 0 || maxMs < minMs) {
    throw new UsageError(`--wait: '${brief(text)}' is not MIN[:MAX]`, {hint: 'write it like 5s or 5s:20s'})
  }
  return minMs === 0 || maxMs === 0 ? {} : {quiescence: {minMs, maxMs}}
}

/** Returns the log level that consul-replicate's own variables set. baton's common variables take precedence. */
export function logLevelFromEnv(env: Environment): {readonly level: LogLevel; readonly source: string} | undefined {
  const source = ['CR_LOG', 'CONSUL_REPLICATE_LOG'].find(name => (env[name] ?? '') !== '')
  return source === undefined ? undefined : {level: parseLogLevel(env[source] ?? '', source), source}
}
