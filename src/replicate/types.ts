import type {ConsulClient} from '../core/client.js'
import type {Clock, Logger} from '../core/types.js'
import type {
  DeleteBudget,
  DriftRule,
  Fence,
  KeyFilter,
  LockKeys,
  Mapping,
  MappingOptions,
  MaxDelete,
  UndoKeeping,
} from './option-types.js'

export type * from './option-types.js'

/** Options of a replicator. */
export interface ReplicatorOptions extends KeyFilter {
  /**
   * The client that reads the source. The caller closes it.
   * @default the destination's client, which asks for the mapping's datacenter
   */
  readonly source?: ConsulClient
  /**
   * The mappings, at least one. Destinations at the same agent must not overlap. A key is left out if its
   * mapping's filter or the filter of all mappings leaves it out.
   */
  readonly mappings: readonly MappingOptions[]
  /** Whether keys of locks and semaphores are skipped or copied. @default 'skip' */
  readonly lockKeys?: LockKeys
  /** If false, keys are created and updated, but never deleted. @default true */
  readonly canDelete?: boolean
  /** Limit above which deletes are held back until they are approved. @default 10 % */
  readonly maxDelete?: MaxDelete
  /**
   * Limit on deletes within a period, which counts all passes and replicators of a mapping, even across restarts.
   * @default `maxDelete` within 10 minutes
   */
  readonly deleteBudget?: DeleteBudget
  /**
   * Held-back deletes that are to be made once: the IDs of their sets, or `all` for those in the first pass of each
   * mapping.
   * @default none
   */
  readonly approved?: readonly string[]
  /** Prefix of the status keys. @default 'service/consul-replicate/statuses' */
  readonly statusDir?: string
  /**
   * Maximum age of a list of the source's keys, in milliseconds. If it is not 0, any server may answer the read of the
   * list, but no delete depends on such a list.
   * @default 0
   */
  readonly maxStaleMs?: number
  /** Maximum wait time of a blocking query, in milliseconds. @default 60000 */
  readonly waitMs?: number
  /**
   * Number of keys above which a mapping is followed in parts, so that a change costs a read of one part instead of all
   * keys. Infinity to never do so.
   * @default 1000
   */
  readonly shardAbove?: number
  /** Interval between two comparisons of all keys, for mappings that are followed in parts. @default 600000 */
  readonly auditEveryMs?: number
  /** Whether Consul compresses long lists. @default true for agents on another machine */
  readonly compress?: boolean
  /**
   * How long to collect changes before a pass: until the source has not changed for `minMs`, but at most for `maxMs`.
   * @default none
   */
  readonly quiescence?: {readonly minMs: number; readonly maxMs: number}
  /** Maximum number of transactions in flight. @default 4 */
  readonly concurrency?: number
  /**
   * Maximum number of consecutive attempts of `runOnce` and `preview`; Infinity retries forever, as `run` does.
   * @default 5
   */
  readonly attempts?: number
  /** Time in milliseconds that transactions in flight have after the signal has aborted. @default 10000 */
  readonly graceMs?: number
  /**
   * Interval in milliseconds, at least 1000, at which `run` reports in the status keys that it is running, and how
   * current each mapping is. After three missed reports, a replicator counts as dead.
   * @default 30000
   */
  readonly heartbeatMs?: number
  /**
   * Keeps overwritten and deleted entries, so that they can be restored. Only this user can read the files.
   * @default nothing is kept
   */
  readonly undo?: UndoKeeping
  /**
   * A lock at the destination that the caller holds. Nothing is written or deleted once this session no longer holds
   * the lock. Values that are too large for a transaction are refused.
   * @default none
   */
  readonly fence?: Fence
  /** What happens to keys that other clients change at the destination. @default 'repair' */
  readonly onDrift?: DriftRule
  /** Source of time. @default the clock of the destination's client */
  readonly clock?: Clock
  /** Receives reports of outages if no observer is given. @default the logger of the destination's client */
  readonly logger?: Logger
  /** Receives the events of the replicator. Must not throw. @default writes outages to the logger, at level warn */
  readonly observer?: ReplicatorObserver
}

/**
 * The part that does not answer: the agent (which is asked for its datacenter at the start), a mapping's source, a
 * mapping's destination, or the writes of a replication pass.
 */
export type RetryingPart = 'agent' | 'source' | 'destination' | 'pass'

/** Events of a replicator. */
export type ReplicatorEvent =
  | {
      /** Sent after 1.5 s without an answer, then at growing intervals of up to a minute. The request is retried. */
      readonly type: `${RetryingPart}.retrying`
      /** The mapping that waits for the answer; undefined if all mappings wait. */
      readonly mapping: Mapping | undefined
      /** Time since the first request without an answer, or the first failure, in milliseconds. */
      readonly elapsedMs: number
      /** The last failure; undefined if no request has failed yet. */
      readonly error: unknown
      /** Time up to which the destination has every change of the source; undefined if no pass was complete. */
      readonly currentAtMs: number | undefined
    }
  | {
      /** Sent with the first answer after a `retrying` event. */
      readonly type: `${RetryingPart}.recovered`
      readonly mapping: Mapping | undefined
      /** Time without an answer, in milliseconds. */
      readonly elapsedMs: number
    }
  | {
      /** A key of the destination was written or deleted. */
      readonly type: 'key.written' | 'key.deleted'
      readonly mapping: Mapping
      readonly key: string
    }
  | {
      /** A transaction was committed. */
      readonly type: 'pass.progressed'
      readonly mapping: Mapping
      /** Number of keys written so far in this pass. */
      readonly doneCount: number
      /** Number of keys to write in this pass. */
      readonly totalCount: number
    }
  | {
      /** A pass has ended. Sent for each pass of `runOnce` and for each pass that `run` yields. */
      readonly type: 'pass.finished'
      readonly pass: ReplicationPass
    }
  | {
      /** A set of held-back deletes was approved by `replicate approve`, and its deletes were made. */
      readonly type: 'approval.finished'
      readonly mapping: Mapping
      readonly id: string
      readonly deleted: number
      /**
       * Number of keys that were not deleted, because they were written in the meantime, exist at the source,
       * or are hidden from the token there.
       */
      readonly kept: number
    }
  | {
      /**
       * An undo has restored keys, which are now left alone until the source changes them or `replicate undo --release`
       * ends this.
       */
      readonly type: 'undo.noticed'
      readonly mapping: Mapping
      /** Number of keys that are now left alone. */
      readonly count: number
    }
  | {
      /** An approval was not used, because it matches no set of held-back deletes or is too old. */
      readonly type: 'approval.refused'
      /** The mapping that the approval is for; undefined if no mapping has such a set. */
      readonly mapping: Mapping | undefined
      readonly id: string
      readonly reason: string
    }

/** Receives the events of a replicator. Must not throw; its result is ignored. */
export type ReplicatorObserver = (event: ReplicatorEvent) => void

/** Deletes of one mapping that are held back. All other changes are made nevertheless. */
export interface Held {
  /** The ID by which these deletes are approved. The same keys have the same ID in later runs. */
  readonly id: string
  /**
   * Why the deletes are held back. For `empty-source`, `limit` and `budget`, they can be approved by the ID; for
   * `no-leader` and `hidden`, they cannot.
   */
  readonly reason: 'empty-source' | 'limit' | 'budget' | 'no-leader' | 'hidden'
  /**
   * True if these deletes are stored as a set. Later deletes then do not change the set's ID, and `replicate approve`
   * accepts the ID.
   */
  readonly isKept: boolean
  /** Number of deletes that are held back. */
  readonly count: number
  /** Up to 10 of the destination keys that would be deleted. */
  readonly sample: readonly string[]
  /** A description of the held-back deletes in one line of text. */
  readonly message: string
}

/** A key that could not be copied or deleted, while other keys were. */
export interface Refused {
  /** The key at the destination. */
  readonly key: string
  /** The reason, as Consul states it. */
  readonly reason: string
}

/**
 * One replication pass: a comparison of the source and the destination of a mapping, and the changes that it led to.
 */
export interface ReplicationPass {
  /** The mapping, as given in the options. */
  readonly mapping: Mapping
  /** Index of the source's answer. */
  readonly index: bigint
  /** Number of keys that were created or updated. */
  readonly written: number
  /** Number of keys that were deleted. */
  readonly deleted: number
  /** Number of keys that were equal on both sides. */
  readonly unchanged: number
  /** Number of keys left alone: excluded, protected, or keys of locks. */
  readonly skipped: number
  /** Skipped source keys whose names are not UTF-8, or contain U+FFFD, which Consul returns for invalid bytes. */
  readonly unreadable: readonly string[]
  /**
   * Destination keys that another client has changed and that are left alone (`onDrift`). If the pass
   * compared only some keys, the list covers only those.
   */
  readonly drifted: readonly string[]
  /** Number of destination keys that exist at the source, but that the token may not read there. */
  readonly hidden: number
  /** Deletes that are held back. */
  readonly held: readonly Held[]
  /** Keys that the destination refused, either in this pass or less than a minute ago. */
  readonly refused: readonly Refused[]
  /** The failure that ended the pass early. The next pass makes the missing changes. */
  readonly error: Error | undefined
  /** Time from planning the pass to writing the status, in milliseconds. */
  readonly durationMs: number
}

/**
 * Whether a mapping is up to date: `starting` until its first pass is complete, `current` if the destination has every
 * change of the source, `behind` while changes are being copied, `retrying` while Consul does not answer.
 */
export type MappingState = 'starting' | 'current' | 'behind' | 'retrying'

/**
 * How current the copy of a mapping is, and which keys are not copied. Times are milliseconds since 1970, by
 * the local clock.
 */
export interface MappingStatus {
  /** The mapping, as given in the options. */
  readonly mapping: Mapping
  /** Whether the mapping is up to date. */
  readonly state: MappingState
  /**
   * How long the oldest change that is not at the destination has been waiting, in milliseconds. 0 if there is no such
   * change, and the time since `currentAtMs` while Consul does not answer.
   */
  readonly lagMs: number
  /** Time up to which the destination has every change of the source, apart from held-back, refused and hidden keys. */
  readonly currentAtMs: number | undefined
  /** Time at which source and destination were last known to be equal, with no held-back, refused or hidden keys. */
  readonly equalAtMs: number | undefined
  /** Index of the newest answer of the source that was copied completely. */
  readonly index: bigint
  /** Number of source keys that are copied. */
  readonly keys: number
  /** Number of deletes that are held back. */
  readonly held: number
  /** Number of keys that the destination has refused and that will be tried again. */
  readonly refused: number
  /** Number of destination keys that exist at the source, but that the token may not read there. */
  readonly hidden: number
  /** Number of keys left alone by the last complete pass. */
  readonly skipped: number
  /** The part that does not answer, since when, and why; undefined if all parts answer. */
  readonly retrying: {readonly part: RetryingPart; readonly sinceMs: number; readonly reason: string} | undefined
  /** Number of passes since the start. */
  readonly passes: number
  /** Number of passes that a failure ended early. */
  readonly failedPasses: number
  /** Number of keys that were created or updated since the start. */
  readonly written: number
  /** Number of keys that were deleted since the start. */
  readonly deleted: number
  /** Duration of the last pass, in milliseconds. */
  readonly lastPassMs: number
}

/** The kind of a change to a key of the destination. */
export type ChangeKind = 'create' | 'update' | 'delete'

/** One change that a pass would make. */
export interface PlannedChange {
  /** Whether the change creates, updates or deletes the key. */
  readonly kind: ChangeKind
  /** The key at the destination. */
  readonly key: string
  /** Which fields differ; undefined unless `kind` is `update`. */
  readonly differs: 'value' | 'flags' | 'both' | undefined
}

/** The changes that a pass would make, without the deletes that it would hold back. Nothing is written. */
export interface ReplicationPreview {
  /** The mapping, as given in the options. */
  readonly mapping: Mapping
  /** Index of the source's answer. */
  readonly index: bigint
  /** The changes, in the order in which a pass would make them. */
  readonly changes: readonly PlannedChange[]
  /** Number of keys that are equal on both sides. */
  readonly unchanged: number
  /** Number of keys left alone: excluded, protected, or keys of locks. */
  readonly skipped: number
  /** Skipped source keys whose names are not UTF-8, or contain U+FFFD, which Consul returns for invalid bytes. */
  readonly unreadable: readonly string[]
  /** Destination keys that another client has changed, and that are left alone (`onDrift`). */
  readonly drifted: readonly string[]
  /** Number of destination keys that exist at the source, but that the token may not read there. */
  readonly hidden: number
  /** Deletes that a pass would hold back. */
  readonly held: readonly Held[]
}

/** A key that another program handled differently from baton. */
export interface ShadowDifference {
  /** The key at the destination. */
  readonly key: string
  /** What the other program did: it deleted or wrote the key, or it did not do so although baton would have. */
  readonly kind: 'deleted' | 'not-deleted' | 'written' | 'not-written'
  /** Why a pass of baton would have kept the deleted key. */
  readonly why?: string
}

/** A comparison of what another program has copied for one mapping with what baton would have copied. */
export interface ShadowReport {
  /** The mapping, as given in the options. */
  readonly mapping: Mapping
  /** Index of the source's answer. */
  readonly index: bigint
  /**
   * True if the index in the status key was still lower than `index` after 30 s. The differences may then only mean
   * that the other program is late.
   */
  readonly isBehind: boolean
  /** Differences that the previous report did not contain. */
  readonly differences: readonly ShadowDifference[]
}

/**
 * Makes the destination's keys equal to the source's. Contents are compared (bytes and flags), not indexes. A
 * key is deleted only if the source's leader answered that it does not exist.
 */
export interface Replicator {
  /**
   * Makes one pass per mapping, and repeats it after transient failures. If a mapping cannot be read or
   * written, the others still run. Each pass is reported to the observer (`pass.finished`). At the end, the
   * first failure is thrown; keys that were copied stay copied.
   */
  runOnce(options?: {readonly signal?: AbortSignal}): Promise<readonly ReplicationPass[]>
  /** Returns the changes that `runOnce` would make. Writes nothing. */
  preview(options?: {readonly signal?: AbortSignal}): Promise<readonly ReplicationPreview[]>
  /**
   * Follows source and destination until the signal aborts, then lets transactions in flight finish. Yields the first
   * pass of each mapping, then each pass that changed something or held back deletes. Failures are retried forever.
   * Only before the first list of keys has arrived, an error that a retry cannot fix is thrown instead.
   */
  run(options: {readonly signal: AbortSignal}): AsyncIterable<ReplicationPass>
  /**
   * Until the signal aborts, compares what another program, such as consul-replicate, copies with what baton would have
   * copied from the same state. Writes nothing. The first report of a mapping lists the changes that a pass would make
   * now.
   */
  shadow(options: {readonly signal: AbortSignal}): AsyncIterable<ShadowReport>
  /**
   * Replaces the mappings. Mappings whose settings, clients and filters are unchanged continue; the others
   * finish their transactions and end before new ones begin. Throws a UsageError, and changes nothing, if the
   * mappings conflict. Rejects if new mappings cannot begin.
   */
  update(mappings: readonly MappingOptions[]): Promise<void>
  /** Returns how current each mapping is, in the order of the options. Sends nothing. */
  status(): readonly MappingStatus[]
}
