import {mutexFlags} from '../../core/consul-constants.js'
import type {KvEntry, KvOperation, SessionId} from '../../core/types.js'
import {encodeReceiver, type HolderRecord} from './holder-record.js'
import type {QueueEntry} from './queue-entry.js'

const noValue: Uint8Array = new Uint8Array()

/** A session and the record that it writes about itself. */
interface Contender {
  readonly session: SessionId
  readonly record: Uint8Array
}

const lock = (key: string, {session, record}: Contender): KvOperation => ({
  verb: 'lock',
  key,
  value: record,
  session,
  flags: mutexFlags,
})

const unlock = (key: string, session: SessionId, value = noValue): KvOperation => ({
  verb: 'unlock',
  key,
  value,
  session,
  flags: mutexFlags,
})

const unchanged = (key: string, known: {readonly modifyIndex: bigint} | undefined): KvOperation =>
  known ? {verb: 'check-index', key, index: known.modifyIndex} : {verb: 'check-not-exists', key}

/**
 * Locks the key for the session if the key has not changed since it was read. `known` is the key as it was
 * read; undefined if it did not exist.
 */
export const takeMutex = (key: string, known: KvEntry | undefined, holder: Contender): readonly KvOperation[] => [
  unchanged(key, known),
  lock(key, holder),
]

/** Unlocks the key and deletes it in the same write, before the session ends, so that no lock-delay starts. */
export const releaseMutex = (key: string, session: SessionId): readonly KvOperation[] => [
  unlock(key, session),
  {verb: 'delete', key},
]

/** Unlocks the key and keeps it, with a value that offers it to contenders outside the queue. */
export const offerMutex = (key: string, session: SessionId, offer: Uint8Array): KvOperation =>
  unlock(key, session, offer)

/** Adds an entry to the queue. The entry belongs to the session, and Consul deletes it when the session ends. */
export const enterQueue = (entryKey: string, {session, record}: Contender): readonly KvOperation[] => [
  {verb: 'lock', key: entryKey, value: record, session},
]

export const leaveQueue = (entryKey: string): KvOperation => ({verb: 'delete', key: entryKey})

/**
 * Positions of the operations of {@link handOver}. The position of the refused operation shows why Consul refused the
 * hand-over.
 */
export const handOverSteps = {checkReceiver: 0, unlock: 1, lock: 2, leaveQueue: 3} as const

/**
 * Passes the lock from the holder to the first contender in the queue, and deletes that contender's entry.
 * Consul refuses this if the contender has left the queue or its session has ended.
 */
export const handOver = (
  key: string,
  holder: SessionId,
  to: QueueEntry & {readonly record: HolderRecord},
  owedTurns?: number,
): readonly KvOperation[] => [
  {verb: 'check-index', key: to.key, index: to.modifyIndex},
  unlock(key, holder),
  lock(key, {session: to.session, record: encodeReceiver(to.record, owedTurns)}),
  leaveQueue(to.key),
]

/**
 * Proves that the receiver of a lock is alive: the index of the key changes, so that Consul refuses a later write of
 * {@link passOver}.
 */
export const proveReceipt = (key: string, handed: KvEntry, holder: Contender): readonly KvOperation[] => [
  unchanged(key, handed),
  lock(key, holder),
]

/**
 * Takes the lock from a receiver that has not proven that it is alive. Consul refuses this if the receiver
 * has proven it by then.
 */
export const passOver = (
  key: string,
  handed: KvEntry & {readonly session: SessionId},
  next: Contender & {readonly entryKey: string},
): readonly KvOperation[] => [
  unchanged(key, handed),
  unlock(key, handed.session),
  lock(key, next),
  leaveQueue(next.entryKey),
]

/**
 * An operation that Consul always refuses. The error shows whether a lock-delay runs, because Consul checks
 * the lock-delay first. The refusal adds no entry to Consul's log.
 */
export const probeLockDelay = (key: string, contender: Contender): readonly KvOperation[] => [
  {verb: 'check-index', key, index: 1n},
  lock(key, contender),
]
