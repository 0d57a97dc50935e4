import {semaphoreFlags} from '../../core/consul-constants.js'
import type {KvOperation, SessionId} from '../../core/types.js'
import {encodeSemaphoreDocument, type SemaphoreDocument} from './semaphore-document.js'

/** A document with its ModifyIndex, which is 0n if the key does not exist. */
export interface IndexedDocument {
  readonly document: SemaphoreDocument
  readonly index: bigint
}

/** Creates the contender's key, which belongs to its session. */
export const enterSemaphore = (
  contenderKey: string,
  contender: {readonly session: SessionId; readonly record: Uint8Array},
): readonly KvOperation[] => [
  {verb: 'lock', key: contenderKey, value: contender.record, session: contender.session, flags: semaphoreFlags},
]

/** Adds the session to the document, if the document has not changed since it was read. */
export const takeSlot = (
  key: string,
  {document, index}: IndexedDocument,
  session: SessionId,
): readonly KvOperation[] => [
  {
    verb: 'cas',
    key,
    index,
    flags: semaphoreFlags,
    value: encodeSemaphoreDocument({...document, holders: [...document.holders, session]}),
  },
]

/**
 * Removes the session from the document and deletes its contender key in one write. The last holder deletes `.lock`.
 */
export function leaveSemaphore(
  key: string,
  {document, index}: IndexedDocument,
  contender: {readonly key: string; readonly session: SessionId},
): readonly KvOperation[] {
  const forget: KvOperation = {verb: 'delete', key: contender.key}
  if (!document.holders.includes(contender.session)) return [forget]
  const holders = document.holders.filter(holder => holder !== contender.session)
  if (holders.length === 0) return [{verb: 'delete-cas', key, index}, forget]
  const value = encodeSemaphoreDocument({...document, holders})
  return [{verb: 'cas', key, index, flags: semaphoreFlags, value}, forget]
}
