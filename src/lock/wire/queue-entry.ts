import type {KvEntry, SessionId} from '../../core/types.js'
import {type HolderRecord, parseHolderRecord} from './holder-record.js'
import {joinKey} from './names.js'

/** A contender that waits in the queue of a mutex: the key `<prefix>/.queue/<session>`, which belongs to its session. */
export interface QueueEntry {
  readonly key: string
  readonly session: SessionId
  /** The order of the queue: the index of the write that created the key. */
  readonly createIndex: bigint
  readonly modifyIndex: bigint
  /** What the contender wrote about itself; undefined if another version of the protocol wrote the entry. */
  readonly record: HolderRecord | undefined
}

/** Returns the prefix of all keys of the queue. */
export const queuePrefix = (prefix: string): string => joinKey(prefix, '.queue/x').slice(0, -1)

export const queueKey = (prefix: string, session: SessionId): string => joinKey(prefix, `.queue/${session}`)

/** Returns the queue in order. Keys that do not belong to the session that they name are not entries. */
export function toQueue(entries: readonly KvEntry[]): readonly QueueEntry[] {
  return entries
    .flatMap(({key, session, createIndex, modifyIndex, value}) =>
      session === undefined || !key.endsWith(`/${session}`)
        ? []
        : [{key, session, createIndex, modifyIndex, record: parseHolderRecord(value)}],
    )
    .sort((one, other) => (one.createIndex < other.createIndex ? -1 : 1))
}
