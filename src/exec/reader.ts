import {linkSignal} from '../core/cancel/link-signal.js'
import type {ConsulClient} from '../core/client.js'
import {txnOperationLimit} from '../core/consul-constants.js'
import {isTransient, messageOf} from '../core/errors.js'
import {follow} from '../core/query/follow.js'
import {kvKeys} from '../core/query/topics.js'
import type {BlockingQuery} from '../core/query/types.js'
import {retry} from '../core/retry.js'
import {Backoff} from '../core/time/backoff.js'
import type {KvEntry, ReadOptions} from '../core/types.js'

const waitMs = 15_000
/** Pause before a list is read again because it was out of date. */
const againMs = 50
/**
 * Pause between two reads of the list, multiplied by the number of its keys. Each read returns all keys, so long lists
 * are read less often.
 */
const pausePerKeyMs = 0.02
const maxRetryMs = 2000
/** A read that takes longer than this counts as slow, because agents delay a request while there is no leader. */
const slowMs = 1000

export interface ReaderOptions {
  readonly client: ConsulClient
  /** The prefix, which ends with a slash. */
  readonly prefix: string
  /** Returns true for keys whose value must be read; others are passed on with an empty value. */
  readonly needsValue: (rest: string) => boolean
  /** Returns true for keys that belong to this reader. Others below the prefix are ignored. @default all */
  readonly isOurs?: (rest: string) => boolean
  readonly onRetry: (error: unknown) => void
}

/** A key that appeared, without the prefix. */
export interface NewKey {
  readonly rest: string
  readonly value: Buffer
}

/**
 * Passes on each key that appears below a prefix, once; all new keys of one list are passed on together. If two reads
 * overlap, the first one to finish passes on the keys that both have found. `handle` returns the keys whose values it
 * did not accept; these keys are passed on again when they are next listed.
 */
export class KeyReader {
  readonly #options: ReaderOptions
  readonly #handle: (keys: readonly NewKey[]) => readonly string[]
  readonly #seen = new Set<string>()
  #troubledAtMs = Number.NEGATIVE_INFINITY

  constructor(options: ReaderOptions, handle: (keys: readonly NewKey[]) => readonly string[]) {
    this.#options = options
    this.#handle = handle
  }

  /**
   * Monotonic time at which a read last failed or was slow, for instance because there was no leader. The nodes
   * probably had the same problem at that time.
   */
  get troubledAtMs(): number {
    return this.#troubledAtMs
  }

  /**
   * Reads until the signal aborts. Retries transient errors, so a lost connection loses no output. A server with old
   * state causes no loss either, because an absent key is never treated as deleted. Rejects if Consul refuses a read.
   */
  async follow(signal: AbortSignal): Promise<void> {
    const {client, prefix} = this.#options
    const {clock, random} = client
    using reading = linkSignal(signal)
    const how = {signal: reading.signal, waitMs, maxPauseMs: maxRetryMs}
    const backoff = new Backoff({minMs: 100, maxMs: maxRetryMs, random})
    const onRetry = (error: unknown): void => this.#noteTrouble(error)
    const query = this.#observed(kvKeys(client, prefix), error => reading.abort(error))
    try {
      for await (const {snapshot} of follow(query, client, how)) {
        const take = async (): Promise<void> => {
          if (!(await this.#take(snapshot.value, {signal: how.signal}))) await this.catchUp(how.signal)
        }
        await retry(take, {signal: how.signal, clock, backoff, onRetry})
        backoff.reset()
        await clock.sleep(this.#seen.size * pausePerKeyMs, how.signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** Passes on every key that was written before this call. Rejects if a read fails. */
  async catchUp(signal: AbortSignal): Promise<void> {
    const {client, prefix} = this.#options
    const {clock} = client
    const how = {signal, consistency: 'consistent'} as const
    const startedMs = clock.monotonicMs()
    let isDone = false
    try {
      while (!isDone) {
        const {value} = await client.kv.keys(prefix, how)
        isDone = await this.#take(value, how)
        if (!isDone) await clock.sleep(againMs, signal)
      }
    } finally {
      const nowMs = clock.monotonicMs()
      if (!isDone || nowMs - startedMs > slowMs) this.#troubledAtMs = nowMs
    }
  }

  /**
   * Returns the same query, except that it records each failure and passes failures that retrying cannot fix to
   * `refuse`.
   */
  #observed<T, Item>(query: BlockingQuery<T, Item>, refuse: (error: unknown) => void): BlockingQuery<T, Item> {
    const read: typeof query.read = async options => {
      try {
        return await query.read(options)
      } catch (error) {
        if (options.signal?.aborted !== true) {
          if (isTransient(error)) this.#noteTrouble(error)
          else refuse(error)
        }
        throw error
      }
    }
    return {...query, read}
  }

  #noteTrouble(error: unknown): void {
    const {client, prefix, onRetry} = this.#options
    this.#troubledAtMs = client.clock.monotonicMs()
    onRetry(error)
    client.logger.warn({prefix, error: messageOf(error)}, 'exec.readFailed')
  }

  /**
   * Reads the listed keys and passes them on. Resolves with false if one of them no longer exists, in which case the
   * list is out of date.
   */
  async #take(listed: readonly string[], how: ReadOptions): Promise<boolean> {
    const {prefix, isOurs = () => true} = this.#options
    const unseen = listed.filter(key => !this.#seen.has(key) && isOurs(key.slice(prefix.length)))
    const keys = await fetchValues(this.#options, unseen, how)
    if (!keys) return false
    const fresh = keys.filter(({rest}) => !this.#seen.has(prefix + rest))
    for (const {rest} of fresh) this.#seen.add(prefix + rest)
    for (const rest of fresh.length > 0 ? this.#handle(fresh) : []) this.#seen.delete(prefix + rest)
    return true
  }
}

/**
 * Resolves with the values of the keys, or with undefined if one no longer exists, in which case the list is out of
 * date.
 */
async function fetchValues(
  {client, prefix, needsValue}: ReaderOptions,
  keys: readonly string[],
  how: ReadOptions,
): Promise<readonly NewKey[] | undefined> {
  const values = new Map<string, Buffer>()
  const wanted = keys.filter(key => needsValue(key.slice(prefix.length)))
  for (let at = 0; at < wanted.length; at += txnOperationLimit) {
    for (const entry of await getMany(client, wanted.slice(at, at + txnOperationLimit), how)) {
      values.set(entry.key, entry.value)
    }
  }
  if (wanted.some(key => !values.has(key))) return undefined
  return keys.map(key => ({rest: key.slice(prefix.length), value: values.get(key) ?? Buffer.alloc(0)}))
}

/**
 * Reads several keys in one transaction. If a key was deleted, `get` would fail the transaction; `get-tree` with the
 * whole key does not.
 */
async function getMany(client: ConsulClient, keys: readonly string[], how: ReadOptions): Promise<readonly KvEntry[]> {
  const operations = keys.map(key => ({verb: 'get-tree' as const, key}))
  const result = await client.txn.commit(operations, how)
  return result.committed ? result.entries : []
}
