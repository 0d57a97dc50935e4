import type {ConsulClient} from '../core/client.js'
import type {Clock, Logger} from '../core/types.js'

/** Copies every key that starts with `source`, byte for byte, to a name that starts with `destination` instead. */
export interface Mapping {
  /** The empty string is the root. */
  readonly source: string
  /** Absent: the datacenter the source client speaks to. */
  readonly datacenter: string | undefined
  /** Takes the place of `source` in each name. The empty string is the root. */
  readonly destination: string
}

/** Keys that a lock or a semaphore of Consul uses are left alone, or copied like all others. */
export type LockKeys = 'skip' | 'copy'

/** Deletes above the limit are held: a part of the destination's keys (never below 10), a number, or no limit. */
export type MaxDelete = {readonly ratio: number} | {readonly count: number} | 'off'

/** What is copied from where to where, and what guards the deletes. */
export interface ReplicatorOptions {
  /** Where keys are read. The caller closes it. @default the destination's client, asked for the mapping's datacenter */
  readonly source?: ConsulClient
  /** At least one. Their destinations must not overlap. */
  readonly mappings: readonly Mapping[]
  /** Source keys that start with one of these are neither written nor deleted. */
  readonly excludes?: readonly string[]
  /** Source keys that hold one of these anywhere are neither written nor deleted. */
  readonly excludeMatches?: readonly string[]
  /** @default 'skip' */
  readonly lockKeys?: LockKeys
  /** False only adds and changes. @default true */
  readonly canDelete?: boolean
  /** @default 10 % */
  readonly maxDelete?: MaxDelete
  /** Held deletes that may be done, once: ids of held sets, or `all` for the first pass of each mapping. */
  readonly approved?: readonly string[]
  /** @default 'service/consul-replicate/statuses' */
  readonly statusDir?: string
  /** Source lists may come from any server that is at most this far behind. Deletes never rest on them. @default 0 */
  readonly maxStaleMs?: number
  /** Longest park of a blocking query. @default 60000 */
  readonly waitMs?: number
  /** Changes are collected until the source is quiet for `minMs`, at most `maxMs`. */
  readonly quiescence?: {readonly minMs: number; readonly maxMs: number}
  /** Transactions in flight. @default 4 */
  readonly concurrency?: number
  /** Maximum number of attempts in a row of `runOnce` and `preview`; Infinity retries forever, as `run` does. @default 5 */
  readonly attempts?: number
  /** How long transactions in flight may take to finish after the signal. @default 10000 */
  readonly graceMs?: number
  /** @default that of the destination's client */
  readonly clock?: Clock
  /** @default that of the destination's client */
  readonly logger?: Logger
  /** Receives what happens on the way. Must not throw. @default writes outages to the logger, at level warn */
  readonly observer?: ReplicatorObserver
}

/**
 * What does not answer: the agent that is asked for its own datacenter at the start, a mapping's source or destination,
 * or the writes of a pass.
 */
export type RetryingPart = 'agent' | 'source' | 'destination' | 'pass'

/** What happens while a replicator works. */
export type ReplicatorEvent =
  | {
      /** No answer for 1.5 s, and again at growing intervals of up to a minute. It is retried. */
      readonly type: `${RetryingPart}.retrying`
      /** Absent if all mappings wait. */
      readonly mapping: Mapping | undefined
      /** Since the first request without an answer, or the first failure. */
      readonly elapsedMs: number
      /** The last failure. Absent if there is no answer yet. */
      readonly error: unknown
    }
  | {
      /** The first answer after a `retrying`. */
      readonly type: `${RetryingPart}.recovered`
      readonly mapping: Mapping | undefined
      /** How long there was no answer. */
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
      /** Keys written so far in this pass. */
      readonly doneCount: number
      /** Keys to write in this pass. */
      readonly totalCount: number
    }
  | {
      /** Each pass of `runOnce`, and each that `run` yields. */
      readonly type: 'pass.finished'
      readonly pass: ReplicationPass
    }

/** Receives what happens to a replicator. Must not throw; its result is ignored. */
export type ReplicatorObserver = (event: ReplicatorEvent) => void

/** A set of deletes that a guard stopped. All other changes are made. */
export interface Held {
  /** The same set has the same id in the next run. */
  readonly id: string
  /** `empty-source` and `limit` can be approved by the id; `no-leader` and `hidden` can not. */
  readonly reason: 'empty-source' | 'limit' | 'no-leader' | 'hidden'
  /** How many deletes are held. */
  readonly count: number
  /** Up to 10 destination keys. */
  readonly sample: readonly string[]
  /** One line for people. */
  readonly message: string
}

/** A key that could not be copied or deleted, while others were. */
export interface Refused {
  /** At the destination. */
  readonly key: string
  /** Consul's answer. */
  readonly reason: string
}

/** One comparison of a mapping's two sides, and the changes that it made. */
export interface ReplicationPass {
  /** As given in the options. */
  readonly mapping: Mapping
  /** Of the source's answer. */
  readonly index: bigint
  /** How many keys were created or updated. */
  readonly written: number
  /** How many keys were deleted. */
  readonly deleted: number
  /** How many keys were equal on both sides. */
  readonly unchanged: number
  /** Keys left alone: excluded, protected, or a lock's. */
  readonly skipped: number
  /** Source keys among these whose names are not UTF-8, or contain U+FFFD, which stands for such bytes. */
  readonly unreadable: readonly string[]
  /** Destination keys that exist at the source, where the token may not read them. */
  readonly hidden: number
  /** Sets of deletes that a guard stopped. */
  readonly held: readonly Held[]
  /** Keys that the destination refused, in this pass or less than a minute ago. */
  readonly refused: readonly Refused[]
  /** A failure that ended the pass early; the next one does what is missing. */
  readonly error: Error | undefined
  /** From the plan to the status. */
  readonly durationMs: number
}

/** What is done to a key of the destination. */
export type ChangeKind = 'create' | 'update' | 'delete'

/** One change that a pass would make. */
export interface PlannedChange {
  /** Creates, updates or deletes the key. */
  readonly kind: ChangeKind
  /** At the destination. */
  readonly key: string
  /** What differs, for updates. */
  readonly differs: 'value' | 'flags' | 'both' | undefined
}

/** What a pass would do, with the guards' verdicts, nothing written. */
export interface ReplicationPreview {
  /** As given in the options. */
  readonly mapping: Mapping
  /** Of the source's answer. */
  readonly index: bigint
  /** In the order in which a pass would make them. */
  readonly changes: readonly PlannedChange[]
  /** How many keys are equal on both sides. */
  readonly unchanged: number
  /** How many keys are left alone: excluded, protected, or a lock's. */
  readonly skipped: number
  /** As in a pass. */
  readonly unreadable: readonly string[]
  /** How many destination keys exist at the source, where the token may not read them. */
  readonly hidden: number
  /** Sets of deletes that a guard would stop. */
  readonly held: readonly Held[]
}

/**
 * Makes the destination's keys equal to the source's, by content: bytes and flags decide, never an index.
 * Nothing is deleted that the source's leader has not said to be absent.
 */
export interface Replicator {
  /**
   * One pass per mapping, each repeated after transient failures. A mapping that cannot be read or written does not
   * stop the others: each pass is reported to the observer (`pass.finished`), and at the end the first failure is
   * thrown. What was copied stays.
   */
  runOnce(options?: {readonly signal?: AbortSignal}): Promise<readonly ReplicationPass[]>
  /** The changes that `runOnce` would make. Writes nothing. */
  preview(options?: {readonly signal?: AbortSignal}): Promise<readonly ReplicationPreview[]>
  /**
   * Follows source and destination until the signal aborts, then lets transactions in flight finish and ends.
   * Yields the first pass of each mapping, then each pass that did or found something. Failures are retried forever,
   * except errors before the first list that retrying cannot fix.
   */
  run(options: {readonly signal: AbortSignal}): AsyncIterable<ReplicationPass>
}
