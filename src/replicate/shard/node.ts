import type {Clock, KvEntry, Snapshot} from '../../core/types.js'
import type {Vertex} from './key-tree.js'
import type {Look, ShardReads} from './shard-reads.js'

/** When what may hide behind a write of ours is looked for. */
export const verifyAfterMs = 10_000

/** A part of one side that is watched by a query of its own. */
export interface Node {
  readonly vertex: Vertex
  /** True from the answer of its query until it is looked at. */
  isMoved: boolean
  /** What its query answered, if that should be looked at. */
  answer: Snapshot<Look> | undefined
  /** The greatest index of a write of ours. */
  ownIndex: bigint
  /** Indexes of the last writes of ours. */
  readonly ownIndexes: Set<bigint>
  /** When it is looked at although the write of ours that it shows explains its index. */
  verifyAtMs: number | undefined
  /** How long the last look took. */
  costMs: number
}

const mostOwnIndexes = 1000

/** A write of ours was made, or its result was read. */
export function addOwn(node: Node, index: bigint): void {
  const {ownIndexes} = node
  if (index > node.ownIndex) node.ownIndex = index
  ownIndexes.delete(index)
  ownIndexes.add(index)
  const [oldest] = ownIndexes
  if (ownIndexes.size > mostOwnIndexes && oldest !== undefined) ownIndexes.delete(oldest)
}

/** The node is that of another store. */
export function forgetOwn(node: Node): void {
  node.ownIndex = 0n
  node.ownIndexes.clear()
}

/** A node of which nothing is known yet. */
export const nodeOf = (vertex: Vertex): Node => ({
  vertex,
  isMoved: false,
  answer: undefined,
  ownIndex: 0n,
  ownIndexes: new Set(),
  verifyAtMs: undefined,
  costMs: 0,
})

/** What was read again: an entry, or undefined for a name that a list did not show. */
export type Changes = Map<string, KvEntry | undefined>

/** What a round has found on both sides, by the names of each, and all names of the source that it is about. */
export interface Taken {
  readonly source: Changes
  readonly replica: Changes
  readonly all: ReadonlySet<string>
}

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
