import type {ConsulClient} from '../core/client.js'

/** Copies every key that starts with `source`, byte for byte, to a name that starts with `destination` instead. */
export interface Mapping {
  /** Prefix of the keys to copy. The empty string is the root. */
  readonly source: string
  /** Datacenter of the source. Undefined: that of the source client. */
  readonly datacenter: string | undefined
  /** Prefix that replaces `source` in each name. The empty string is the root. */
  readonly destination: string
}

/** Fits source keys that start with this text, or that pass a test, such as a regular expression. */
export type KeyPattern = string | {readonly test: (sourceKey: string) => boolean}

/** Which source keys are copied. All others are neither written nor deleted. */
export interface KeyFilter {
  /** A key that one of these fits is left out. @default none */
  readonly excludes?: readonly KeyPattern[]
  /** A key that contains one of these anywhere is left out. @default none */
  readonly excludeMatches?: readonly string[]
  /** If there are any, a key that none of these fits is left out. @default none */
  readonly includes?: readonly KeyPattern[]
}

/** A mapping with settings of its own, beside those of all mappings. */
export interface MappingOptions extends Mapping, KeyFilter {
  /** The client that reads the source. The caller closes it. @default that of the replicator */
  readonly sourceClient?: ConsulClient
  /**
   * The client of the agent to copy to, where the status key is, too. The caller closes it. @default that of the replicator
   */
  readonly destinationClient?: ConsulClient
}

/** Whether keys of Consul's locks and semaphores are left alone, or copied like all others. */
export type LockKeys = 'skip' | 'copy'

/** Limit above which deletes are held: a part of the destination's keys (at least 10 keys), a number, or none. */
export type MaxDelete = {readonly ratio: number} | {readonly count: number} | 'off'

/** Limit on the deletes within a time, above which deletes are held. */
export interface DeleteBudget {
  /** The limit. A ratio is of the keys that the destination has or had within the time. */
  readonly max: MaxDelete
  /** The time in milliseconds, at least 1000. */
  readonly windowMs: number
}

/** A lock that is held: its key, and the ID of the session that holds it. */
export interface Fence {
  /** The key of the lock. */
  readonly key: string
  /** The ID of the session. */
  readonly session: string
}

/**
 * What happens to a key that another client has changed at the destination, while the source has not changed it:
 *
 * - `repair`: it gets the content of the source again.
 * - `report`: it is named, and left alone until the source changes it.
 * - `protect`: it is named, and left alone until both sides are equal, even if the source changes it. Keys that other
 *   clients have created are never deleted.
 *
 * Whether the source has changed a key is known of all keys that were equal while the replicator ran; at its start, the
 * status key says it.
 */
export type DriftRule = 'repair' | 'report' | 'protect'

/** How long and how much of what is overwritten and deleted is kept. */
export interface UndoKeeping {
  /** It is created if it does not exist. Several replicators may share it. */
  readonly directory: string
  /** @default 24 h */
  readonly keepMs?: number
  /** Size of all files together. The oldest are removed first. @default 256 MB */
  readonly maxBytes?: number
}
