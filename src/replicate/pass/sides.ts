import type {KvEntry, Snapshot} from '../../core/types.js'
import type {Plan, ReplicaEntry} from '../plan/plan.js'

export type SourceSnapshot = Snapshot<readonly KvEntry[]>

export interface Stops {
  /** Once aborted, no new request is sent. */
  readonly stop: AbortSignal
  /** Once aborted, requests in flight are cancelled. */
  readonly kill: AbortSignal
}

/** Both sides, as last read. `replica` is kept up to date with what a pass writes. */
export interface Sides {
  source: SourceSnapshot
  replica: Map<string, ReplicaEntry>
  /** The index of the destination's list. */
  readonly replicaIndex: bigint
}

/** Some keys of both sides, just read from their leaders, and how many there are in all. */
export interface Part {
  /** What exists of these keys at the source. */
  readonly source: readonly KvEntry[]
  /** What exists of them at the destination. Kept up to date with what a pass writes. */
  readonly replica: Map<string, ReplicaEntry>
  /** Of the newest read of the source. */
  readonly index: bigint
  /** False leaves the deletes to a later pass. */
  readonly mayDelete: boolean
  readonly sourceCount: number
  readonly destinationCount: number
}

/** What a plan was made of. */
export interface PlanFacts {
  readonly plan: Plan
  readonly index: bigint
  readonly replica: Map<string, ReplicaEntry>
  readonly mayDelete: boolean
  /** True if the source's leader said what is missing. */
  readonly isLeaders: boolean
  readonly startedMs: number
}
