import {randomBytes} from 'node:crypto'
import {hostname} from 'node:os'
import {type BulkLimits, defaultBulkLimits} from '../core/bulk/pack.js'
import {
  boolean,
  callback,
  checkOptions,
  count,
  duration,
  name,
  type OptionRule,
  oneOf,
  texts,
  withMethod,
} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {clientRule, clockRule, loggerRule} from '../core/context-rules.js'
import {messageOf, UsageError} from '../core/errors.js'
import type {CallOptions, Clock, Logger} from '../core/types.js'
import {checkMappings, formatMapping} from './mapping.js'
import {defaultBudget} from './plan/delete-budget.js'
import {createKeyScope, type KeyScope} from './plan/key-scope.js'
import {defaultMaxDelete} from './plan/max-delete.js'
import {QueryPlaces} from './shard/query-places.js'
import {defaultStatusDir} from './status/status-document.js'
import type {DeleteBudget, Mapping, MaxDelete, ReplicatorObserver, ReplicatorOptions, UndoKeeping} from './types.js'
import {UndoJournal} from './undo/journal.js'

/** Fewer keys are listed as fast as a part. */
const defaultShardAbove = 1000

/** The options of a replicator, checked and complete. */
export interface CompleteOptions {
  readonly destination: ConsulClient
  readonly source: ConsulClient
  /** True if both sides use the same address. */
  readonly isOneAddress: boolean
  readonly mappings: readonly Mapping[]
  readonly canDelete: boolean
  readonly maxDelete: MaxDelete
  readonly deleteBudget: DeleteBudget
  /** Approved IDs; each one is removed once it is used. */
  readonly approved: Set<string>
  readonly statusDir: string
  /** 0 if only the leader may answer for the source. */
  readonly maxStaleMs: number
  readonly waitMs: number
  /** More keys than this are followed in parts. */
  readonly shardAbove: number
  /** The queries that may wait at an agent, shared by all mappings. */
  readonly places: QueryPlaces
  /** Between two comparisons of everything, where only parts are followed. */
  readonly auditEveryMs: number
  /** Whether lists of everything are compressed, and those of parts. */
  readonly compress: {readonly source: boolean; readonly destination: boolean; readonly parts: boolean}
  readonly quiescence: {readonly minMs: number; readonly maxMs: number} | undefined
  readonly concurrency: number
  readonly attempts: number
  readonly graceMs: number
  readonly heartbeatMs: number
  /** Keeps what is overwritten and deleted; undefined if it is not kept. */
  readonly journal: UndoJournal | undefined
  /** Names this replicator among others of the same mapping. */
  readonly identity: Identity
  readonly clock: Clock
  readonly logger: Logger
  readonly observer: ReplicatorObserver
  /** Limits of the destination's transactions, shared by all mappings. */
  readonly limits: BulkLimits
  readonly scopeOf: (mapping: Mapping) => KeyScope
  /** Returns the call options that address a mapping's source. */
  readonly sourceCall: (mapping: Mapping) => CallOptions
}

/** What a replicator says of itself in the status keys. */
export interface Identity {
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly startedAtMs: number
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

const mappings: OptionRule = {
  expected: 'an array of mappings, like those that parseMapping returns',
  accepts: value =>
    Array.isArray(value) &&
    value.every(
      (one: unknown) => isRecord(one) && typeof one['source'] === 'string' && typeof one['destination'] === 'string',
    ),
}

const maxDelete: OptionRule = {
  expected: "{ratio} from 0 to 1, {count} of at least 0, or 'off'",
  accepts: value => {
    if (value === 'off') return true
    if (!isRecord(value)) return false
    const {ratio, count: most} = value
    if (most !== undefined) return Number.isSafeInteger(most) && (most as number) >= 0
    return typeof ratio === 'number' && ratio >= 0 && ratio <= 1
  },
}

const deleteBudget: OptionRule = {
  expected: '{max, windowMs}, with max as in `maxDelete` and windowMs in milliseconds from 1000',
  accepts: value =>
    isRecord(value) && maxDelete.accepts(value['max']) && duration({minMs: 1000}).accepts(value['windowMs']),
}

const quiescence: OptionRule = {
  expected: '{minMs, maxMs} in milliseconds, with minMs of at most maxMs',
  accepts: value => {
    if (!isRecord(value)) return false
    const {minMs, maxMs} = value
    return duration().accepts(minMs) && duration().accepts(maxMs) && (minMs as number) <= (maxMs as number)
  },
}

const undoRule: OptionRule = {
  expected: '{directory, keepMs?, maxBytes?}, with a path, milliseconds and a number of bytes',
  accepts: value => {
    if (!isRecord(value) || !name.accepts(value['directory'])) return false
    const {keepMs = 0, maxBytes = 0} = value
    return duration().accepts(keepMs) && count({min: 0, isEndless: true}).accepts(maxBytes)
  },
}

const rules = {
  mappings,
  source: withMethod('a client', Symbol.asyncDispose),
  clock: clockRule,
  logger: loggerRule,
  excludes: texts,
  excludeMatches: texts,
  lockKeys: oneOf(['skip', 'copy']),
  canDelete: boolean,
  maxDelete,
  deleteBudget,
  approved: texts,
  statusDir: name,
  maxStaleMs: duration(),
  waitMs: duration({minMs: 1}),
  shardAbove: count({min: 0, isEndless: true}),
  auditEveryMs: duration({minMs: 1}),
  compress: boolean,
  quiescence,
  concurrency: count({min: 1}),
  attempts: count({min: 1, isEndless: true}),
  graceMs: duration(),
  heartbeatMs: duration({minMs: 1000}),
  undo: undoRule,
  observer: callback,
}

export function completeOptions(destination: ConsulClient, options: ReplicatorOptions): CompleteOptions {
  checkOptions('createReplicator', {client: destination}, {client: clientRule}, ['client'])
  checkOptions('createReplicator', options, rules, ['mappings'])
  const {source, mappings, logger = destination.logger} = options
  if (mappings.length === 0)
    throw new UsageError('replicate: nothing to replicate: no mapping was given', {details: {option: 'mappings'}})
  checkMappings(mappings)
  const statusDir = options.statusDir ?? defaultStatusDir
  const isOneAddress = source === undefined || source === destination
  const clock = options.clock ?? destination.clock
  return {
    destination,
    source: source ?? destination,
    isOneAddress,
    mappings,
    canDelete: options.canDelete ?? true,
    maxDelete: options.maxDelete ?? defaultMaxDelete,
    deleteBudget: options.deleteBudget ?? defaultBudget(options.maxDelete ?? defaultMaxDelete),
    approved: new Set(options.approved),
    statusDir,
    maxStaleMs: options.maxStaleMs ?? 0,
    waitMs: options.waitMs ?? 60_000,
    shardAbove: options.shardAbove ?? defaultShardAbove,
    places: new QueryPlaces(mappings.length, isOneAddress ? 2 : 1),
    auditEveryMs: options.auditEveryMs ?? 600_000,
    compress: {
      source: options.compress ?? !isLoopback(source ?? destination),
      destination: options.compress ?? !isLoopback(destination),
      parts: options.compress ?? true,
    },
    quiescence: options.quiescence,
    concurrency: options.concurrency ?? 4,
    attempts: options.attempts ?? 5,
    graceMs: options.graceMs ?? 10_000,
    heartbeatMs: options.heartbeatMs ?? 30_000,
    journal: options.undo && openJournal(options.undo, {address: destination.address, clock, logger}),
    identity: {id: randomBytes(4).toString('hex'), host: hostname(), pid: process.pid, startedAtMs: clock.wallMs()},
    clock,
    logger,
    observer: options.observer ?? logOutages(logger),
    limits: defaultBulkLimits(),
    scopeOf: mapping =>
      createKeyScope({
        mapping,
        excludes: options.excludes ?? [],
        excludeMatches: options.excludeMatches ?? [],
        lockKeys: options.lockKeys ?? 'skip',
        statusDir,
      }),
    sourceCall: mapping => (mapping.datacenter === undefined ? {} : {datacenter: mapping.datacenter}),
  }
}

const openJournal = (
  {directory, keepMs = 24 * 3_600_000, maxBytes = 256 * 1024 * 1024}: UndoKeeping,
  rest: {readonly address: string; readonly clock: Clock; readonly logger: Logger},
): UndoJournal => new UndoJournal({directory, keepMs, maxBytes, ...rest})

/** Within one machine, compression costs more than it saves. */
const isLoopback = ({address}: ConsulClient): boolean =>
  /^(unix:|(https?:\/\/)?(127\.|localhost[:/]|localhost$|\[::1\]))/.test(address)

const logOutages =
  (logger: Logger): ReplicatorObserver =>
  event => {
    if (!('elapsedMs' in event)) return
    const {type, mapping, elapsedMs} = event
    const reason = 'error' in event && event.error !== undefined ? {reason: messageOf(event.error)} : {}
    const fields = {
      component: 'replicate',
      mapping: mapping && formatMapping(mapping),
      elapsedMs: Math.round(elapsedMs),
    }
    logger.warn({...fields, ...reason}, type)
  }
