import type {Clock, KvEntry, Snapshot} from '../../core/types.js'
import type {Vertex} from './key-tree.js'
import type {Look, ShardReads} from './shard-reads.js'

/**
 * Delay until a tree node is read again after one of our own writes, which may have hidden a change of another client.
 */
export const verifyAfterMs = 10_000

/**
 * A tree node: a part of one side's keys that has a blocking query of its own. Not to be confused
 * with a node of Consul.
 */
export interface Node {
  readonly vertex: Vertex
  /** True from the time when the tree node's query is answered until the tree node is read. */
  isMoved: boolean
  /**
   * The last answer to the tree node's query, while that answer is a reason to read the tree node; otherwise undefined.
   */
  answer: Snapshot<Look> | undefined
  /** Greatest index of our own writes to the tree node's keys. */
  ownIndex: bigint
  /** Indexes of our own latest writes to the tree node's keys. */
  readonly ownIndexes: Set<bigint>
  /**
   * Time at which the tree node is read again although its index belongs to one of our own writes; undefined
   * if that is not needed.
   */
  verifyAtMs: number | undefined
  /** Duration of the last read of the tree node. */
  costMs: number
}

const mostOwnIndexes = 1000

/** Records the index of one of our own writes, or of a read that showed the write. */
export function addOwn(node: Node, index: bigint): void {
  const {ownIndexes} = node
  if (index > node.ownIndex) node.ownIndex = index
  ownIndexes.delete(index)
  ownIndexes.add(index)
  const [oldest] = ownIndexes
  if (ownIndexes.size > mostOwnIndexes && oldest !== undefined) ownIndexes.delete(oldest)
}

/** Forgets all own writes, because Consul's store was replaced. */
export function forgetOwn(node: Node): void {
  node.ownIndex = 0n
  node.ownIndexes.clear()
}

/** Returns a tree node whose keys were not read yet. */
export const nodeOf = (vertex: Vertex): Node => ({
  vertex,
  isMoved: false,
  answer: undefined,
  ownIndex: 0n,
  ownIndexes: new Set(),
  verifyAtMs: undefined,
  costMs: 0,
})

/** Entries that were read again; undefined for a name that no longer exists. */
export type Changes = Map<string, KvEntry | undefined>

/**
 * The changes that one round of reads has found at the source and at the destination, each under its name there, and
 * the source names of all changed keys.
 */
export interface Taken {
  readonly source: Changes
  readonly replica: Changes
  readonly all: ReadonlySet<string>
}

/** The facts about a key that a list provides. */
export interface Version {
  readonly modifyIndex: bigint
  /** True if the key belongs to a lock, so that the mapping must leave it alone. */
  readonly isForeign: boolean
  /** Length of the value. */
  readonly bytes: number
}

/** Options of a side, which is the source or the destination of a mapping. */
export interface SideOptions {
  readonly prefix: string
  readonly reads: ShardReads
  readonly clock: Clock
  readonly signal: AbortSignal
  /**
   * False for the side where most changes are our own writes: leaves with long values are then compared by index, and
   * only keys that differ are read.
   */
  readonly readsValues: boolean
  /** Maximum number of tree nodes. */
  readonly places: number
  /** Maximum number of changes that are collected. */
  readonly mostChanges: number
  readonly isInScope: (name: string) => boolean
  /** True if the mapping covers no key with this prefix. */
  readonly isLeftOut: (prefix: string) => boolean
}
