import {ConflictError} from '../../core/errors.js'
import type {KvEntry, SessionId} from '../../core/types.js'

/** The value of a semaphore's `.lock`: `{"Limit":3,"Holders":{"<session>":true}}`, as `consul lock` writes it. */
export interface SemaphoreDocument {
  readonly limit: number
  readonly holders: readonly SessionId[]
}

/**
 * Reads a document as Go does: every name in `Holders` is a holder, whatever its value, and field names may
 * be in upper or lower case.
 */
export function parseSemaphoreDocument(key: string, value: Uint8Array): SemaphoreDocument | undefined {
  if (value.length === 0) return undefined
  try {
    const raw = JSON.parse(Buffer.from(value).toString('utf8')) as Record<string, unknown>
    const fields = new Map(Object.entries(raw).map(([name, field]) => [name.toLowerCase(), field]))
    const limit = fields.get('limit')
    const holders = fields.get('holders') ?? {}
    if (typeof limit !== 'number' || typeof holders !== 'object') throw new Error('Limit or Holders missing')
    return {limit, holders: Object.keys(holders) as SessionId[]}
  } catch (cause) {
    throw new ConflictError('BATON_LOCK_KIND', `${key}: does not hold a semaphore's document`, {
      cause,
      hint: 'the key was overwritten by something else: remove it when no holder is left',
      details: {wanted: 'semaphore', found: 'other', key},
    })
  }
}

/** `Holders` is always written as an object, because `consul lock` crashes on anything else. */
export const encodeSemaphoreDocument = (document: SemaphoreDocument): Buffer =>
  Buffer.from(
    JSON.stringify({
      Limit: document.limit,
      Holders: Object.fromEntries(document.holders.map(holder => [holder, true])),
    }),
  )

/** Returns the document with only those holders whose session still owns a key under the prefix. */
export function pruneHolders(document: SemaphoreDocument, entries: readonly KvEntry[]): SemaphoreDocument {
  const alive = new Set(entries.map(entry => entry.session))
  return {...document, holders: document.holders.filter(holder => alive.has(holder))}
}
