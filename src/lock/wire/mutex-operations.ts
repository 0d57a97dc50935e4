import {mutexFlags} from '../../core/consul-constants.js'
import type {KvEntry, KvOperation, SessionId} from '../../core/types.js'

const noValue = new Uint8Array()

/** Locks the key for the session if the key has not changed since it was read. `known` is undefined if it did not exist. */
export const takeMutex = (
  key: string,
  known: KvEntry | undefined,
  holder: {readonly session: SessionId; readonly record: Uint8Array},
): readonly KvOperation[] => [
  known ? {verb: 'check-index', key, index: known.modifyIndex} : {verb: 'check-not-exists', key},
  {verb: 'lock', key, value: holder.record, session: holder.session, flags: mutexFlags},
]

/** Unlocks the key before the session ends, so that no lock-delay starts, and deletes it in the same write. */
export const releaseMutex = (key: string, session: SessionId): readonly KvOperation[] => [
  {verb: 'unlock', key, value: noValue, session, flags: mutexFlags},
  {verb: 'delete', key},
]
