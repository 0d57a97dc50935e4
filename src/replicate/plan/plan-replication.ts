import {checkOptions, name, type OptionRule, object, oneOf, text, texts} from '../../core/check-options.js'
import type {KvEntry} from '../../core/types.js'
import {patterns} from '../option-rules.js'
import {defaultStatusDir} from '../status/status-document.js'
import type {LockKeys, MappingOptions, PlannedChange} from '../types.js'
import {createKeyScope} from './key-scope.js'
import {planSteps} from './plan.js'

/** The changes that a pass would make if it held back no deletes. */
export interface ReplicationPlan {
  /** Keys to write, each with the source's entry, in the order in which they were written at the source. */
  readonly sets: readonly (PlannedChange & {readonly entry: KvEntry})[]
  /** Destination keys that are missing at the source. */
  readonly deletes: readonly string[]
  /** Number of keys that are equal on both sides. */
  readonly unchanged: number
  /** Number of keys left alone: excluded, protected, or keys of locks. */
  readonly skipped: number
}

/** Options of a plan. */
export interface PlanOptions {
  /** All entries of the source below the prefix. */
  readonly source: readonly KvEntry[]
  /** All entries of the destination below the prefix. */
  readonly destination: readonly KvEntry[]
  /** Whether keys of locks and semaphores are skipped or copied. @default 'skip' */
  readonly lockKeys?: LockKeys
  /** Prefix of the status keys, which are never changed. @default 'service/consul-replicate/statuses' */
  readonly statusDir?: string
}

const entries: OptionRule = {expected: 'an array of entries', accepts: value => Array.isArray(value)}
const mappingRule: OptionRule = {
  expected: 'an object with a source and a destination',
  accepts: value => object.accepts(value) && Object.keys(value as object).length > 0,
}
const mappingRules = {
  source: text,
  datacenter: text,
  destination: text,
  excludes: patterns,
  includes: patterns,
  excludeMatches: texts,
  sourceClient: {expected: 'a client', accepts: () => true},
  destinationClient: {expected: 'a client', accepts: () => true},
}

/**
 * Compares two lists by content, and returns what would make the destination equal to the source. A pure function:
 * equal lists result in equal plans. Throws a UsageError if an option is not valid.
 *
 * @example
 * ```ts
 * const indexes = {createIndex: 5n, modifyIndex: 5n, lockIndex: 0n}
 * const entry = {key: 'app/a', value: Buffer.from('1'), flags: 0n, ...indexes, session: undefined}
 * const plan = planReplication(parseMapping('app/@dc1:copy/'), {source: [entry], destination: []})
 * plan.sets[0]?.key // => 'copy/a'
 * ```
 */
export function planReplication(mapping: MappingOptions, options: PlanOptions): ReplicationPlan {
  checkOptions('planReplication', {mapping}, {mapping: mappingRule}, ['mapping'])
  checkOptions('planReplication', mapping, mappingRules, ['source', 'destination'])
  const rules = {source: entries, destination: entries, lockKeys: oneOf(['skip', 'copy']), statusDir: name}
  checkOptions('planReplication', options, rules, ['source', 'destination'])
  const {source, destination, lockKeys = 'skip', statusDir = defaultStatusDir} = options
  const scope = createKeyScope({mapping, filters: [mapping], lockKeys, statusDir})
  const steps = planSteps(source, new Map(destination.map(entry => [entry.key, entry])), scope)
  for (;;) {
    const step = steps.next()
    if (!step.done) continue
    const {sets, deletes, unchanged, skipped} = step.value
    return {sets, deletes, unchanged, skipped}
  }
}
