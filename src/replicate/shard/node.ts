import type {Clock, KvEntry, Snapshot} from '../../core/types.js'
import type {Vertex} from './key-tree.js'
import type {Look, ShardReads} from './shard-reads.js'

/** A part of one side that is watched by a query of its own. */
export interface Node {
  readonly vertex: Vertex
  /** True from the answer of its query until it is looked at. */
  isMoved: boolean
  /** What its query answered, if that should be looked at. */
  answer: Snapshot<Look> | undefined
  /** The greatest index of a write of ours. */
  ownIndex: bigint
  /** When it is looked at although the write of ours that it shows explains its index. */
  verifyAtMs: number | undefined
  /** How long the last look took. */
  costMs: number
}

/** A node of which nothing is known yet. */
export const nodeOf = (vertex: Vertex): Node => ({
  vertex,
  isMoved: false,
  answer: undefined,
  ownIndex: 0n,
  verifyAtMs: undefined,
  costMs: 0,
})

/** What was read again: an entry, or undefined for a name that a list did not show. */
export type Changes = Map<string, KvEntry | undefined>

/** What a list says of a key. */
export interface Version {
  readonly modifyIndex: bigint
  /** True if a lock owns the key, and not the mapping. */
  readonly isForeign: boolean
}

/** What a side is made of. */
export interface SideOptions {
  readonly prefix: string
  readonly reads: ShardReads
  readonly clock: Clock
  readonly signal: AbortSignal
  /** False where most changes are writes of ours: parts are compared by number, and only keys that differ are read. */
  readonly readsValues: boolean
  /** How many nodes may be watched at once. */
  readonly places: number
  /** More changes than this are not collected. */
  readonly mostChanges: number
  readonly isInScope: (name: string) => boolean
  /** True for prefixes that hold nothing in scope. */
  readonly isLeftOut: (prefix: string) => boolean
}
