import type {ConsulClient} from '../core/client.js'

/**
 * Copies every key that starts with `source`, compared byte for byte, to the same name with `destination` in
 * place of `source`.
 */
export interface Mapping {
  /** Prefix of the keys to copy. The empty string means all keys. */
  readonly source: string
  /** Datacenter of the source. If undefined, the datacenter of the source client. */
  readonly datacenter: string | undefined
  /** Prefix that replaces `source` in each name. It may be empty. */
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

/** A mapping with its own settings, which apply in addition to those of all mappings. */
export interface MappingOptions extends Mapping, KeyFilter {
  /** The client that reads the source. The caller closes it. @default the replicator's client for the source */
  readonly sourceClient?: ConsulClient
  /**
   * The client that writes the copies and the status key. The caller closes it.
   * @default the replicator's client for the destination
   */
  readonly destinationClient?: ConsulClient
}

/** Whether the keys of Consul's locks and semaphores are left alone or copied like all others. */
export type LockKeys = 'skip' | 'copy'

/**
 * Limit above which deletes are held back until they are approved: a share of the destination's keys (at least 10
 * keys), a number of keys, or no limit.
 */
export type MaxDelete = {readonly ratio: number} | {readonly count: number} | 'off'

/** Limit on the deletes within a period, above which deletes are held back until they are approved. */
export interface DeleteBudget {
  /** The limit. A ratio refers to the keys that exist at the destination or were deleted within the period. */
  readonly max: MaxDelete
  /** The period in milliseconds. Its minimum is 1000. */
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
 * What happens if another client changes a key at the destination while the key is unchanged at the source:
 *
 * - `repair`: the key gets the content of the source again.
 * - `report`: the key is reported, and left alone until the source changes it.
 * - `protect`: the key is reported, and left alone until both sides are equal, even if the source changes it.
 *   Keys that
 *   other clients have created are never deleted.
 *
 * For each key that was once equal on both sides, a running replicator knows whether the source has changed it since.
 * For all other keys, it uses the index in the status key, up to which an earlier run has copied.
 */
export type DriftRule = 'repair' | 'report' | 'protect'

/** Where overwritten and deleted entries are kept, for how long, and up to which total size. */
export interface UndoKeeping {
  /** The directory of the files. It is created if it does not exist. Several replicators may share it. */
  readonly directory: string
  /** @default 24 h */
  readonly keepMs?: number
  /** Maximum size of all files together. The oldest files are removed first. @default 256 MB */
  readonly maxBytes?: number
}
