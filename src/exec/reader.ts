import {txnOperationLimit} from '../core/api/txn.js'
import type {ConsulClient} from '../core/client.js'
import {isTransient, messageOf} from '../core/errors.js'
import {Backoff} from '../core/time/backoff.js'
import type {ConsulIndex, KvEntry} from '../core/types.js'

const waitMs = 15_000
/** Shortest time between two listings: a burst of writes costs one. */
const coalesceMs = 50
/** Listings repeat every key, so they get rarer as keys get many. */
const coalescePerKeyMs = 0.02
const maxRetryMs = 2000

export interface ReaderOptions {
  readonly client: ConsulClient
  /** Ends with a slash. */
  readonly prefix: string
  /** Which of the new keys must be fetched; others are handed on with an empty value. */
  readonly needsValue: (rest: string) => boolean
  readonly onRetry: (error: unknown) => void
}

/** A key that appeared, without the prefix. */
export interface NewKey {
  readonly rest: string
  readonly value: Buffer
}

/**
 * Follows the keys below a prefix, each handed on once, those of one listing together. Errors that may pass are retried
 * until the signal aborts, so a lost connection costs time and no output.
 */
export async function followKeys(
  options: ReaderOptions,
  handle: (keys: readonly NewKey[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const {client, prefix} = options
  const {clock} = client
  const seen = new Set<string>()
  const backoff = new Backoff({minMs: 100, maxMs: maxRetryMs, random: client.random})
  const isStopped = (): boolean => signal.aborted
  let index: ConsulIndex | undefined
  while (!isStopped()) {
    try {
      const listedAtMs = clock.monotonicMs()
      const answer = await client.kv.keys(prefix, {signal, waitMs, plane: 'watch', ...(index && {index})})
      const fresh = answer.value.filter(key => !seen.has(key))
      const keys = await fetchValues(options, fresh, signal)
      backoff.reset()
      if (keys) {
        for (const key of fresh) seen.add(key)
        if (keys.length > 0) handle(keys)
      }
      // An index that went back belongs to another history: start over, keys already seen stay seen.
      const wentBack = index !== undefined && answer.index !== undefined && answer.index < index
      index = wentBack || !keys ? undefined : answer.index
      const restMs = listedAtMs + coalesceMs + seen.size * coalescePerKeyMs - clock.monotonicMs()
      if (restMs > 0) await clock.sleep(restMs, signal)
    } catch (error) {
      if (isStopped()) return
      if (!isTransient(error)) throw error
      options.onRetry(error)
      client.logger.warn({prefix, error: messageOf(error)}, 'exec.readFailed')
      index = undefined
      await clock.sleep(backoff.next(), signal).catch(() => {})
    }
  }
}

/** `undefined` when a listed key had no value any more: the listing is out of date. */
async function fetchValues(
  {client, prefix, needsValue}: ReaderOptions,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly NewKey[] | undefined> {
  const values = new Map<string, Buffer>()
  const wanted = keys.filter(key => needsValue(key.slice(prefix.length)))
  for (let at = 0; at < wanted.length; at += txnOperationLimit) {
    for (const entry of await getMany(client, wanted.slice(at, at + txnOperationLimit), signal)) {
      values.set(entry.key, entry.value)
    }
  }
  if (wanted.some(key => !values.has(key))) return undefined
  return keys.map(key => ({rest: key.slice(prefix.length), value: values.get(key) ?? Buffer.alloc(0)}))
}

/** `get-tree` of a whole key is a `get` that does not refuse the transaction when the key has gone. */
async function getMany(
  client: ConsulClient,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly KvEntry[]> {
  const operations = keys.map(key => ({verb: 'get-tree' as const, key}))
  const result = await client.txn.commit(operations, {signal})
  return result.committed ? result.entries : []
}
