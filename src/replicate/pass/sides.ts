import type {KvEntry, Snapshot} from '../../core/types.js'
import type {Plan, ReplicaEntry} from '../plan/plan.js'
import type {ReplicationPass} from '../types.js'

export type SourceSnapshot = Snapshot<readonly KvEntry[]>

export interface Stops {
  /** Once this signal has aborted, no new request is sent. */
  readonly stop: AbortSignal
  /** When this signal aborts, requests in flight are cancelled. */
  readonly kill: AbortSignal
}

/** Source and destination as last read. A replication pass records its writes in `replica`. */
export interface Sides {
  source: SourceSnapshot
  replica: Map<string, ReplicaEntry>
  /** The index of the destination's list. */
  readonly replicaIndex: bigint
}

/** Deletes that a decision has held back, and the number of keys that were found to be hidden. */
export type Standing = Pick<ReplicationPass, 'held' | 'hidden'>

/** Some keys of source and destination, just read from the leaders, and the total numbers of keys. */
export interface Part {
  /** The source's entries of these keys. */
  readonly source: readonly KvEntry[]
  /** The destination's entries of these keys. A pass records its writes here. */
  readonly replica: Map<string, ReplicaEntry>
  /** Index of the newest read of the source. */
  readonly index: bigint
  /** If false, a later pass makes the deletes. */
  readonly mayDelete: boolean
  /** The last decision about deletes, which stands until the next one. */
  readonly standing: Standing
  readonly sourceCount: number
  readonly destinationCount: number
}

/** The data from which a plan was made. */
export interface PlanFacts {
  readonly plan: Plan
  readonly index: bigint
  readonly replica: Map<string, ReplicaEntry>
  readonly mayDelete: boolean
  /** True if the source's leader has reported which keys do not exist. */
  readonly isLeaders: boolean
  readonly startedMs: number
  /** Only if the plan covers some keys: the last decision about deletes. */
  readonly standing?: Standing
}
