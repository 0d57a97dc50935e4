import type {Clock, KvEntry, Snapshot} from '../../core/types.js'
import type {Vertex} from './key-tree.js'
import type {Look, ShardReads} from './shard-reads.js'

/** Delay until a node is read again after one of our own writes, which may have hidden the change of another client. */
export const verifyAfterMs = 10_000

/** A part of one side with a blocking query of its own. */
export interface Node {
  readonly vertex: Vertex
  /** True from the answer of the node's query until the node is read. */
  isMoved: boolean
  /** The answer of the node's query, if the node should be read because of it. */
  answer: Snapshot<Look> | undefined
  /** Greatest index of our own writes. */
  ownIndex: bigint
  /** Indexes of our own latest writes. */
  readonly ownIndexes: Set<bigint>
  /**
   * When the node is read again although its index belongs to one of our own writes; undefined if that is not needed.
   */
  verifyAtMs: number | undefined
  /** Duration of the last read of the node. */
  costMs: number
}

const mostOwnIndexes = 1000

/** Records the index of a write of our own, or of a read that showed it. */
export function addOwn(node: Node, index: bigint): void {
  const {ownIndexes} = node
  if (index > node.ownIndex) node.ownIndex = index
  ownIndexes.delete(index)
  ownIndexes.add(index)
  const [oldest] = ownIndexes
  if (ownIndexes.size > mostOwnIndexes && oldest !== undefined) ownIndexes.delete(oldest)
}

/** Forgets all own writes, because the store was replaced. */
export function forgetOwn(node: Node): void {
  node.ownIndex = 0n
  node.ownIndexes.clear()
}

/** Returns a node whose keys were not read yet. */
export const nodeOf = (vertex: Vertex): Node => ({
  vertex,
  isMoved: false,
  answer: undefined,
  ownIndex: 0n,
  ownIndexes: new Set(),
  verifyAtMs: undefined,
  costMs: 0,
})

/** Entries that were read again; undefined for a name that does not exist any more. */
export type Changes = Map<string, KvEntry | undefined>

/** The changes of a round on both sides, by the names of each side, and all their names as source keys. */
export interface Taken {
  readonly source: Changes
  readonly replica: Changes
  readonly all: ReadonlySet<string>
}

/** The facts about a key that a list contains. */
export interface Version {
  readonly modifyIndex: bigint
  /** True if the key belongs to a lock, and not to the mapping. */
  readonly isForeign: boolean
}

/** Options of a side. */
export interface SideOptions {
  readonly prefix: string
  readonly reads: ShardReads
  readonly clock: Clock
  readonly signal: AbortSignal
  /**
   * False for the side where most changes are our own writes: leaves are compared by index, and only keys that differ
   * are read.
   */
  readonly readsValues: boolean
  /** Maximum number of nodes. */
  readonly places: number
  /** Maximum number of changes that are collected. */
  readonly mostChanges: number
  readonly isInScope: (name: string) => boolean
  /** True for a prefix without any key in scope. */
  readonly isLeftOut: (prefix: string) => boolean
}
