import {randomBytes} from 'node:crypto'
import {hostname} from 'node:os'
import {type BulkLimits, defaultBulkLimits} from '../core/bulk/pack.js'
import {checkOptions} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {clientRule} from '../core/context-rules.js'
import {messageOf, UsageError} from '../core/errors.js'
import type {CallOptions, Clock, Logger} from '../core/types.js'
import {checkMappings, formatMapping} from './mapping.js'
import {replicatorRules} from './option-rules.js'
import {fencedClient, leaveRoom, type Writer} from './pass/fenced-client.js'
import {defaultBudget} from './plan/delete-budget.js'
import {defaultMaxDelete} from './plan/max-delete.js'
import {QueryPlaces} from './shard/query-places.js'
import {defaultStatusDir} from './status/status-document.js'
import type {
  DeleteBudget,
  DriftRule,
  Fence,
  KeyFilter,
  LockKeys,
  Mapping,
  MappingOptions,
  MaxDelete,
  ReplicatorObserver,
  ReplicatorOptions,
  UndoKeeping,
} from './types.js'
import {UndoJournal} from './undo/journal.js'

/** If a mapping has at most this many keys, listing all of them is as fast as reading a part of them. */
const defaultShardAbove = 1000

/** The options of a replicator, checked, with all defaults. */
export interface CompleteOptions {
  readonly destination: ConsulClient
  readonly source: ConsulClient
  /** True if the source and the destination are reached at the same address. */
  readonly isOneAddress: boolean
  readonly canDelete: boolean
  readonly maxDelete: MaxDelete
  readonly deleteBudget: DeleteBudget
  /**
   * IDs of the sets of deletes that were held back for approval and that the caller has approved. An ID is removed when
   * its approval is used.
   */
  readonly approved: Set<string>
  readonly statusDir: string
  readonly lockKeys: LockKeys
  /** Maximum age of a list of the source's keys. With 0, only the leader may answer reads of the source. */
  readonly maxStaleMs: number
  readonly waitMs: number
  /** A mapping with more keys than this is followed in parts: by one blocking query for each part of its keys. */
  readonly shardAbove: number
  /** Distributes among all mappings the blocking queries that may wait at an agent at the same time. */
  readonly places: QueryPlaces
  /** Interval between two comparisons of all keys, for mappings that are followed in parts. */
  readonly auditEveryMs: number
  /**
   * Whether Consul compresses its lists. Chosen separately for lists of all keys of the source, of all keys of the
   * destination, and of a part of the keys.
   */
  readonly compress: {readonly source: boolean; readonly destination: boolean; readonly parts: boolean}
  readonly quiescence: {readonly minMs: number; readonly maxMs: number} | undefined
  readonly concurrency: number
  readonly graceMs: number
  readonly heartbeatMs: number
  /** Keeps overwritten and deleted entries for an undo; undefined if they are not kept. */
  readonly journal: UndoJournal | undefined
  /** The lock whose loss makes Consul refuse further transactions; undefined without a lock. */
  readonly fence: Fence | undefined
  /** The client that writes the copies and checks the fence in each transaction. */
  readonly writer: Writer
  readonly onDrift: DriftRule
  /** Identifies this replicator among the replicators of the same mapping. */
  readonly identity: Identity
  readonly clock: Clock
  readonly logger: Logger
  readonly observer: ReplicatorObserver
  /** Limits of the destination's transactions, shared by all mappings. */
  readonly limits: BulkLimits
  /** A key is left out if at least one of these filters leaves it out. */
  readonly filters: readonly KeyFilter[]
  /** Returns the call options with which a mapping's source is read. */
  readonly sourceCall: (mapping: Mapping) => CallOptions
}

/** The facts about itself that a replicator writes to the status keys. */
export interface Identity {
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly startedAtMs: number
}

/** A mapping as given, with the options that apply to it. */
export interface CompleteMapping {
  readonly given: MappingOptions
  readonly options: CompleteOptions
}

/**
 * Checks the options of a replicator, and returns a function that completes the options of mappings. That
 * function may be called again with other mappings, for which the shared options stay the same. Both
 * functions throw a UsageError if an option is not valid.
 */
export function openOptions(
  destination: ConsulClient,
  options: ReplicatorOptions,
): (mappings: readonly MappingOptions[]) => readonly CompleteMapping[] {
  checkOptions('createReplicator', {client: destination}, {client: clientRule}, ['client'])
  checkOptions('createReplicator', options, replicatorRules, ['mappings'])
  const shared = new Map<ConsulClient, SharedOptions>()
  const source = options.source ?? destination
  const places = new QueryPlaces(2)
  const approved = new Set(options.approved)
  const toShared = (client: ConsulClient): SharedOptions => {
    const known = shared.get(client) ?? shareOptions(client, options, {places, approved})
    shared.set(client, known)
    return known
  }
  return mappings => {
    checkAll(mappings, destination)
    places.share(mappings.length)
    return mappings.map(given => {
      const {sourceClient = source, destinationClient = destination} = given
      const own = sourceOptions(destinationClient, sourceClient, options)
      return {given, options: {...toShared(destinationClient), ...own, filters: [options, given]}}
    })
  }
}

function checkAll(mappings: readonly MappingOptions[], destination: ConsulClient): void {
  checkOptions('createReplicator', {mappings}, replicatorRules, ['mappings'])
  if (mappings.length === 0)
    throw new UsageError('replicate: nothing to replicate: no mapping was given', {details: {option: 'mappings'}})
  const addressOf = ({destinationClient = destination}: MappingOptions): string => destinationClient.address
  for (const address of new Set(mappings.map(addressOf))) {
    checkMappings(mappings.filter(mapping => addressOf(mapping) === address))
  }
}

type SourceOptions = Pick<CompleteOptions, 'source' | 'isOneAddress' | 'compress'>
type SharedOptions = Omit<CompleteOptions, keyof SourceOptions | 'filters'>

const sourceOptions = (
  destination: ConsulClient,
  source: ConsulClient,
  {compress}: ReplicatorOptions,
): SourceOptions => ({
  source,
  isOneAddress: source === destination,
  compress: {
    source: compress ?? !isLoopback(source),
    destination: compress ?? !isLoopback(destination),
    parts: compress ?? true,
  },
})

/** Returns the options that are shared by all mappings of one destination. */
function shareOptions(
  destination: ConsulClient,
  options: ReplicatorOptions,
  {places, approved}: Pick<SharedOptions, 'places' | 'approved'>,
): SharedOptions {
  const {logger = destination.logger} = options
  const clock = options.clock ?? destination.clock
  return {
    destination,
    places,
    approved,
    canDelete: options.canDelete ?? true,
    maxDelete: options.maxDelete ?? defaultMaxDelete,
    deleteBudget: options.deleteBudget ?? defaultBudget(options.maxDelete ?? defaultMaxDelete),
    statusDir: options.statusDir ?? defaultStatusDir,
    lockKeys: options.lockKeys ?? 'skip',
    maxStaleMs: options.maxStaleMs ?? 0,
    waitMs: options.waitMs ?? 60_000,
    shardAbove: options.shardAbove ?? defaultShardAbove,
    auditEveryMs: options.auditEveryMs ?? 600_000,
    quiescence: options.quiescence,
    concurrency: options.concurrency ?? 4,
    graceMs: options.graceMs ?? 10_000,
    heartbeatMs: options.heartbeatMs ?? 30_000,
    journal: options.undo && openJournal(options.undo, {address: destination.address, clock, logger}),
    fence: options.fence,
    writer: options.fence ? fencedClient(destination, options.fence) : destination,
    onDrift: options.onDrift ?? 'repair',
    identity: {id: randomBytes(4).toString('hex'), host: hostname(), pid: process.pid, startedAtMs: clock.wallMs()},
    clock,
    logger,
    observer: options.observer ?? logOutages(logger),
    limits: options.fence ? leaveRoom(defaultBulkLimits()) : defaultBulkLimits(),
    sourceCall: mapping => (mapping.datacenter === undefined ? {} : {datacenter: mapping.datacenter}),
  }
}

const openJournal = (
  {directory, keepMs = 24 * 3_600_000, maxBytes = 256 * 1024 * 1024}: UndoKeeping,
  rest: {readonly address: string; readonly clock: Clock; readonly logger: Logger},
): UndoJournal => new UndoJournal({directory, keepMs, maxBytes, ...rest})

/** True if both ends of the connection are on one machine, where compression costs more time than it saves. */
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
