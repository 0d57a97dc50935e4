import {type BulkLimits, defaultBulkLimits} from '../core/bulk/pack.js'
import type {ConsulClient} from '../core/client.js'
import {messageOf, UsageError} from '../core/errors.js'
import type {CallOptions, Clock, Logger} from '../core/types.js'
import {checkMappings, formatMapping} from './mapping.js'
import {defaultStatusDir} from './pass/status.js'
import {defaultMaxDelete} from './plan/guard.js'
import {createScope, type Scope} from './plan/scope.js'
import type {Mapping, MaxDelete, Observer, ReplicatorOptions} from './types.js'

/** The options of a replicator, checked and complete. */
export interface Setup {
  readonly destination: ConsulClient
  readonly source: ConsulClient
  /** True when both sides are asked at one address. */
  readonly isOneAddress: boolean
  readonly mappings: readonly Mapping[]
  readonly deletes: boolean
  readonly maxDelete: MaxDelete
  /** Ids leave it when they are used. */
  readonly approved: Set<string>
  readonly statusDir: string
  /** 0: only the leader answers for the source. */
  readonly maxStaleMs: number
  readonly waitMs: number
  readonly quiescence: {readonly minMs: number; readonly maxMs: number} | undefined
  readonly concurrency: number
  readonly attempts: number
  readonly graceMs: number
  readonly clock: Clock
  readonly logger: Logger
  readonly observer: Observer
  /** Of the destination, shared by all mappings. */
  readonly limits: BulkLimits
  readonly scopeOf: (mapping: Mapping) => Scope
  /** Where a mapping's source is asked. */
  readonly sourceCall: (mapping: Mapping) => CallOptions
}

export function toSetup(destination: ConsulClient, options: ReplicatorOptions): Setup {
  const {source, mappings, logger = destination.logger} = options
  if (mappings.length === 0) throw new UsageError('replicate: nothing to replicate: no prefix was given')
  checkMappings(mappings)
  const statusDir = options.statusDir ?? defaultStatusDir
  return {
    destination,
    source: source ?? destination,
    isOneAddress: source === undefined || source === destination,
    mappings,
    deletes: options.deletes ?? true,
    maxDelete: options.maxDelete ?? defaultMaxDelete,
    approved: new Set(options.approved),
    statusDir,
    maxStaleMs: options.maxStaleMs ?? 0,
    waitMs: options.waitMs ?? 60_000,
    quiescence: options.quiescence,
    concurrency: options.concurrency ?? 4,
    attempts: options.attempts ?? 5,
    graceMs: options.graceMs ?? 10_000,
    clock: options.clock ?? destination.clock,
    logger,
    observer: options.observer ?? logOutages(logger),
    limits: defaultBulkLimits(),
    scopeOf: mapping =>
      createScope({
        mapping,
        excludes: options.excludes ?? [],
        excludeMatches: options.excludeMatches ?? [],
        lockKeys: options.lockKeys ?? 'skip',
        statusDir,
      }),
    sourceCall: mapping => (mapping.datacenter === undefined ? {} : {datacenter: mapping.datacenter}),
  }
}

const logOutages =
  (logger: Logger): Observer =>
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
