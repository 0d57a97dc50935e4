import type {KvEntry, SessionId} from '../../core/types.js'
import {type HolderRecord, parseHolderRecord} from './holder-record.js'
import {joinKey} from './names.js'

/**
 * A contender that waits in the queue of a mutex: the key `<prefix>/.queue/<session>`, which belongs to its session.
 */
export interface QueueEntry {
  readonly key: string
  readonly session: SessionId
  /** Index of the write that created the key, which determines the order of the queue. */
  readonly createIndex: bigint
  readonly modifyIndex: bigint
  /**
   * The record that the contender wrote about itself; undefined if another version of the protocol wrote the
   * entry.
   */
  readonly record: HolderRecord | undefined
}

/** Returns the prefix of all keys of the queue. */
export const queuePrefix = (prefix: string): string => joinKey(prefix, '.queue/x').slice(0, -1)

export const queueKey = (prefix: string, session: SessionId): string => joinKey(prefix, `.queue/${session}`)

/**
 * Returns the entries of the queue in order. A key that is not locked by the session in its name is not
 * an entry.
 */
export function toQueue(entries: readonly KvEntry[]): readonly QueueEntry[] {
  return entries
    .flatMap(({key, session, createIndex, modifyIndex, value}) =>
      session === undefined || !key.endsWith(`/${session}`)
        ? []
        : [{key, session, createIndex, modifyIndex, record: parseHolderRecord(value)}],
    )
    .sort((one, other) => (one.createIndex < other.createIndex ? -1 : 1))
}
