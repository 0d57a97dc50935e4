import type {ConsulClient} from '../core/client.js'

/** Copies every key that starts with `source`, byte for byte, to a name that starts with `destination` instead. */
export interface Mapping {
  /** Prefix of the keys to copy. The empty string is the root. */
  readonly source: string
  /** Datacenter of the source. Undefined: the datacenter of the source client. */
  readonly datacenter: string | undefined
  /** Prefix that replaces `source` in each name. The empty string is the root. */
  readonly destination: string
}

/** Matches source keys that start with this text, or that pass a test, such as a regular expression. */
export type KeyPattern = string | {readonly test: (sourceKey: string) => boolean}

/** Chooses which source keys are copied. All other keys are neither written nor deleted. */
export interface KeyFilter {
  /** A key that matches one of these patterns is left out. @default none */
  readonly excludes?: readonly KeyPattern[]
  /** A key that contains one of these texts is left out. @default none */
  readonly excludeMatches?: readonly string[]
  /** If this list is not empty, a key that matches none of its patterns is left out. @default none */
  readonly includes?: readonly KeyPattern[]
}

/** A mapping with settings of its own, which apply in addition to those of all mappings. */
export interface MappingOptions extends Mapping, KeyFilter {
  /** The client that reads the source. The caller closes it. @default the replicator's client for the source */
  readonly sourceClient?: ConsulClient
  /**
   * The client that writes the copies and the status key. The caller closes it.
   * @default the replicator's client for the destination
   */
  readonly destinationClient?: ConsulClient
}

/** Whether keys of Consul's locks and semaphores are left alone, or copied like all others. */
export type LockKeys = 'skip' | 'copy'

/** Limit above which deletes are held: a part of the destination's keys (at least 10 keys), a number, or none. */
export type MaxDelete = {readonly ratio: number} | {readonly count: number} | 'off'

/** Limit on the deletes within a time, above which deletes are held. */
export interface DeleteBudget {
  /** The limit. A ratio refers to the keys that exist at the destination or were deleted within the time. */
  readonly max: MaxDelete
  /** The time in milliseconds, at least 1000. */
  readonly windowMs: number
}

/** A lock that the caller holds: its key, and the ID of the session that holds it. */
export interface Fence {
  /** The key of the lock. */
  readonly key: string
  /** The ID of the session. */
  readonly session: string
}

/**
 * What happens to a key that another client has changed at the destination, while the source has not changed it:
 *
 * - `repair`: the key gets the content of the source again.
 * - `report`: the key is reported, and left alone until the source changes it.
 * - `protect`: the key is reported, and left alone until both sides are equal, even if the source changes it. Keys that
 *   other clients have created are never deleted.
 *
 * A running replicator knows of each key that was equal on both sides whether the source has changed it since. At its
 * start it uses the position in the status key instead.
 */
export type DriftRule = 'repair' | 'report' | 'protect'

/** Where, how long and how much of what is overwritten and deleted is kept. */
export interface UndoKeeping {
  /** The directory of the files. It is created if it does not exist. Several replicators may share it. */
  readonly directory: string
  /** @default 24 h */
  readonly keepMs?: number
  /** Maximum size of all files together. The oldest files are removed first. @default 256 MB */
  readonly maxBytes?: number
}
