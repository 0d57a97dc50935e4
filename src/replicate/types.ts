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
   * The mappings, at least one. The destinations at one agent must not overlap. A key is left out if the filter of its
   * mapping, or the filter of all mappings, leaves it out.
   */
  readonly mappings: readonly MappingOptions[]
  /** What happens to keys of locks. @default 'skip' */
  readonly lockKeys?: LockKeys
  /** False only creates and changes keys. @default true */
  readonly canDelete?: boolean
  /** Limit above which deletes are held. @default 10 % */
  readonly maxDelete?: MaxDelete
  /**
   * Limit on deletes within a time, counted over all passes, restarts and replicators of a mapping.
   * @default `maxDelete` within 10 minutes
   */
  readonly deleteBudget?: DeleteBudget
  /** Held deletes to make, once: IDs of held sets, or `all` for the first pass of each mapping. @default none */
  readonly approved?: readonly string[]
  /** Prefix of the status keys. @default 'service/consul-replicate/statuses' */
  readonly statusDir?: string
  /**
   * Maximum age of a source list in milliseconds. If it is not 0, any server may send the list. Deletes never depend on
   * such a list.
   * @default 0
   */
  readonly maxStaleMs?: number
  /** Maximum wait of a blocking query, in milliseconds. @default 60000 */
  readonly waitMs?: number
  /**
   * A mapping with more keys than this is followed in parts: a change costs a read of its part, not of everything.
   * Infinity: never.
   * @default 1000
   */
  readonly shardAbove?: number
  /** Time between two comparisons of all keys, for mappings that are followed in parts. @default 600000 */
  readonly auditEveryMs?: number
  /** Whether Consul compresses long lists. @default only over networks, not within one machine */
  readonly compress?: boolean
  /**
   * Time to collect changes before a pass: until the source has not changed for `minMs`, but at most `maxMs`.
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
  /** Time that transactions in flight have after the signal, in milliseconds. @default 10000 */
  readonly graceMs?: number
  /**
   * Interval at which `run` reports in the status keys that it is running, and how current each mapping is; at least
   * 1000. A replicator counts as dead after three missed reports.
   * @default 30000
   */
  readonly heartbeatMs?: number
  /**
   * Keeps overwritten and deleted entries, so that they can be restored. Only this user can read the files.
   * @default nothing is kept
   */
  readonly undo?: UndoKeeping
  /**
   * A lock at the destination, which the caller holds. Nothing is written or deleted if this session does not hold the
   * lock any more. Values that are too large for a transaction are refused.
   * @default none
   */
  readonly fence?: Fence
  /** What happens to keys that other clients have changed at the destination. @default 'repair' */
  readonly onDrift?: DriftRule
  /** Source of time. @default that of the destination's client */
  readonly clock?: Clock
  /** Receives outages if there is no observer. @default that of the destination's client */
  readonly logger?: Logger
  /** Receives the events of the replicator. Must not throw. @default writes outages to the logger, at level warn */
  readonly observer?: ReplicatorObserver
}

/**
 * The part that does not answer: the agent that is asked for its own datacenter at the start, a mapping's source or
 * destination, or the writes of a pass.
 */
export type RetryingPart = 'agent' | 'source' | 'destination' | 'pass'

/** Events of a replicator. */
export type ReplicatorEvent =
  | {
      /** No answer for 1.5 s, then again at growing intervals of up to a minute. The request is retried. */
      readonly type: `${RetryingPart}.retrying`
      /** The mapping that waits; undefined if all mappings wait. */
      readonly mapping: Mapping | undefined
      /** Time since the first request without an answer, or the first failure, in milliseconds. */
      readonly elapsedMs: number
      /** The last failure; undefined if no request has failed yet. */
      readonly error: unknown
      /** The destination has every change that the source made until this time; undefined if no pass was complete. */
      readonly currentAtMs: number | undefined
    }
  | {
      /** The first answer after a `retrying`. */
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
      /** A pass has ended: each pass of `runOnce`, and each pass that `run` yields. */
      readonly type: 'pass.finished'
      readonly pass: ReplicationPass
    }
  | {
      /** The deletes of an approved set were made, after an approval by `replicate approve`. */
      readonly type: 'approval.finished'
      readonly mapping: Mapping
      readonly id: string
      readonly deleted: number
      /**
       * Number of keys that were not deleted, because they were written since, exist at the source, or may not be read
       * there.
       */
      readonly kept: number
    }
  | {
      /** An undo has restored keys. They are left alone until the source changes them, or until they are released. */
      readonly type: 'undo.noticed'
      readonly mapping: Mapping
      /** Number of keys that are left alone now. */
      readonly count: number
    }
  | {
      /** An approval matches no held set of the mapping, or is too old. The approval is removed. */
      readonly type: 'approval.refused'
      readonly mapping: Mapping
      readonly id: string
      readonly reason: string
    }

/** Receives the events of a replicator. Must not throw; its result is ignored. */
export type ReplicatorObserver = (event: ReplicatorEvent) => void

/** Deletes of one mapping that a guard has stopped. All other changes are made. */
export interface Held {
  /** The ID to approve. The same keys have the same ID in the next run. */
  readonly id: string
  /**
   * Why the deletes are held. `empty-source`, `limit` and `budget` can be approved by the ID; `no-leader` and `hidden`
   * cannot.
   */
  readonly reason: 'empty-source' | 'limit' | 'budget' | 'no-leader' | 'hidden'
  /** True if the set is stored: its ID then does not change with later deletes, and `replicate approve` accepts it. */
  readonly isKept: boolean
  /** Number of deletes that are held. */
  readonly count: number
  /** Up to 10 destination keys. */
  readonly sample: readonly string[]
  /** The held deletes as one line of text. */
  readonly message: string
}

/** A key that could not be copied or deleted, while others were. */
export interface Refused {
  /** The key at the destination. */
  readonly key: string
  /** Consul's answer. */
  readonly reason: string
}

/** One comparison of a mapping's two sides, and the changes that it made. */
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
  /** Skipped source keys whose names are not UTF-8, or contain U+FFFD, which stands for such bytes. */
  readonly unreadable: readonly string[]
  /**
   * Destination keys that another client has changed, and that are left alone (`onDrift`). A pass of some keys lists
   * only these keys.
   */
  readonly drifted: readonly string[]
  /** Number of destination keys that exist at the source, but that the token may not read there. */
  readonly hidden: number
  /** Deletes that a guard has stopped. */
  readonly held: readonly Held[]
  /** Keys that the destination refused, in this pass or less than a minute ago. */
  readonly refused: readonly Refused[]
  /** The failure that ended the pass early. The next pass makes the missing changes. */
  readonly error: Error | undefined
  /** Time from the plan to the status, in milliseconds. */
  readonly durationMs: number
}

/**
 * Whether a mapping is up to date: `starting` until its first complete pass, `current` when the destination has every
 * change that the source made, `behind` while changes are being copied, `retrying` while Consul does not answer.
 */
export type MappingState = 'starting' | 'current' | 'behind' | 'retrying'

/** How current a mapping is, and which keys are not copied. Times are milliseconds since 1970, by the local clock. */
export interface MappingStatus {
  /** The mapping, as given in the options. */
  readonly mapping: Mapping
  /** Whether it is up to date. */
  readonly state: MappingState
  /**
   * How long the oldest change that is not at the destination has waited, in milliseconds: 0 while there is none, and the
   * time since `currentAtMs` while Consul does not answer.
   */
  readonly lagMs: number
  /**
   * The destination has every change that the source made until this time, apart from held, refused and hidden keys.
   */
  readonly currentAtMs: number | undefined
  /** When both sides were last known to be equal, without held, refused or hidden keys. */
  readonly equalAtMs: number | undefined
  /** Index of the newest answer of the source that was copied completely. */
  readonly index: bigint
  /** Number of source keys that are copied. */
  readonly keys: number
  /** Number of deletes that are held. */
  readonly held: number
  /** Number of keys that the destination has refused, and that are tried again. */
  readonly refused: number
  /** Number of destination keys that exist at the source, but that the token may not read there. */
  readonly hidden: number
  /** Number of keys left alone by the last complete pass. */
  readonly skipped: number
  /** The part that does not answer, since when and why; undefined if all parts answer. */
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
  /** Creates, updates or deletes the key. */
  readonly kind: ChangeKind
  /** The key at the destination. */
  readonly key: string
  /** What differs; undefined unless `kind` is `update`. */
  readonly differs: 'value' | 'flags' | 'both' | undefined
}

/** The changes that a pass would make, with the guards' decisions. Nothing is written. */
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
  /** Skipped source keys whose names are not UTF-8, or contain U+FFFD, which stands for such bytes. */
  readonly unreadable: readonly string[]
  /** Destination keys that another client has changed, and that are left alone (`onDrift`). */
  readonly drifted: readonly string[]
  /** Number of destination keys that exist at the source, but that the token may not read there. */
  readonly hidden: number
  /** Deletes that a guard would stop. */
  readonly held: readonly Held[]
}

/** A key that another program has handled in another way than a pass would have. */
export interface ShadowDifference {
  /** The key at the destination. */
  readonly key: string
  /** The action of the other program: it deleted or wrote the key, or did not do so although a pass would have. */
  readonly kind: 'deleted' | 'not-deleted' | 'written' | 'not-written'
  /** Why a pass would have kept a deleted key. */
  readonly why?: string
}

/** A comparison with another program for one mapping. */
export interface ShadowReport {
  /** The mapping, as given in the options. */
  readonly mapping: Mapping
  /** Index of the source's answer. */
  readonly index: bigint
  /**
   * True if the status key did not reach this index in time, so that the differences may only show that the other
   * program is late.
   */
  readonly isBehind: boolean
  /** Differences that the report before did not contain. */
  readonly differences: readonly ShadowDifference[]
}

/**
 * Makes the destination's keys equal to the source's, by content: bytes and flags decide, not indexes. A key is deleted
 * only if the source's leader answered that it does not exist.
 */
export interface Replicator {
  /**
   * Makes one pass per mapping, and repeats it after transient failures. A mapping that cannot be read or written does
   * not stop the others: each pass is reported to the observer (`pass.finished`), and at the end the first failure is
   * thrown. Keys that were copied stay copied.
   */
  runOnce(options?: {readonly signal?: AbortSignal}): Promise<readonly ReplicationPass[]>
  /** Returns the changes that `runOnce` would make. Writes nothing. */
  preview(options?: {readonly signal?: AbortSignal}): Promise<readonly ReplicationPreview[]>
  /**
   * Follows source and destination until the signal aborts, then lets transactions in flight finish. Yields the first
   * pass of each mapping, then each pass that changed or held something. Failures are retried forever, except errors
   * before the first list that a retry cannot fix.
   */
  run(options: {readonly signal: AbortSignal}): AsyncIterable<ReplicationPass>
  /**
   * Compares the copies of another program, such as consul-replicate, with the passes that baton would have made of the
   * same state, until the signal aborts. Writes nothing. The first report of a mapping lists the changes that a pass
   * would make now.
   */
  shadow(options: {readonly signal: AbortSignal}): AsyncIterable<ShadowReport>
  /**
   * Replaces the mappings. Mappings with the same settings, clients and filters continue; the others finish their
   * transactions and end before new ones begin. Throws a UsageError, and changes nothing, if the mappings conflict.
   * Rejects if new mappings cannot begin.
   */
  update(mappings: readonly MappingOptions[]): Promise<void>
  /** Returns how current each mapping is, in the order of the options. Sends nothing. */
  status(): readonly MappingStatus[]
}
