import type {ConsulClient} from '../core/client.js'
import {txnOperationLimit} from '../core/consul-constants.js'
import {isTransient, messageOf} from '../core/errors.js'
import {Backoff} from '../core/time/backoff.js'
import type {ConsulIndex, KvEntry, ReadOptions} from '../core/types.js'

const waitMs = 15_000
/** Shortest time between two listings: a burst of writes costs one. */
const coalesceMs = 50
/** Listings repeat every key, so they get rarer as keys get many. */
const coalescePerKeyMs = 0.02
const maxRetryMs = 2000
/** Agents hold a request back while there is no leader. */
const slowMs = 1000

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
 * Hands on the keys that appear below a prefix, each once, those of one listing together. Where two readings overlap, the
 * one that is ready first hands on what both have found.
 */
export class KeyReader {
  readonly #options: ReaderOptions
  readonly #handle: (keys: readonly NewKey[]) => void
  readonly #seen = new Set<string>()
  #troubledAtMs = Number.NEGATIVE_INFINITY

  constructor(options: ReaderOptions, handle: (keys: readonly NewKey[]) => void) {
    this.#options = options
    this.#handle = handle
  }

  /** When reading last failed or was slow, as when a leader is lost: the nodes had that trouble too. */
  get troubledAtMs(): number {
    return this.#troubledAtMs
  }

  /**
   * Reads until the signal aborts. Errors that may pass are retried, so a lost connection costs time and no output. A
   * server that shows an old state costs time, too: what is absent proves nothing here.
   */
  async follow(signal: AbortSignal): Promise<void> {
    const {client, prefix, onRetry} = this.#options
    const {clock} = client
    const backoff = new Backoff({minMs: 100, maxMs: maxRetryMs, random: client.random})
    const isStopped = (): boolean => signal.aborted
    let index: ConsulIndex | undefined
    while (!isStopped()) {
      try {
        const listedAtMs = clock.monotonicMs()
        const answer = await client.kv.keys(prefix, {signal, waitMs, plane: 'watch', ...(index && {index})})
        const isWhole = await this.#take(answer.value, {signal})
        backoff.reset()
        // An index that went back belongs to another history: start over, keys already seen stay seen.
        const wentBack = index !== undefined && answer.index !== undefined && answer.index < index
        index = wentBack || !isWhole ? undefined : answer.index
        const restMs = listedAtMs + coalesceMs + this.#seen.size * coalescePerKeyMs - clock.monotonicMs()
        if (restMs > 0) await clock.sleep(restMs, signal)
      } catch (error) {
        if (isStopped()) return
        if (!isTransient(error)) throw error
        this.#troubledAtMs = clock.monotonicMs()
        onRetry(error)
        client.logger.warn({prefix, error: messageOf(error)}, 'exec.readFailed')
        index = undefined
        await clock.sleep(backoff.next(), signal).catch(() => {})
      }
    }
  }

  /** When this resolves, all that was written before it was called has been handed on. Retries no failure. */
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
        if (!isDone) await clock.sleep(coalesceMs, signal)
      }
    } finally {
      const nowMs = clock.monotonicMs()
      if (!isDone || nowMs - startedMs > slowMs) this.#troubledAtMs = nowMs
    }
  }

  /** False when a listed key had no value any more: the listing is out of date. */
  async #take(listed: readonly string[], how: ReadOptions): Promise<boolean> {
    const keys = await fetchValues(
      this.#options,
      listed.filter(key => !this.#seen.has(key)),
      how,
    )
    if (!keys) return false
    const {prefix} = this.#options
    const fresh = keys.filter(({rest}) => !this.#seen.has(prefix + rest))
    for (const {rest} of fresh) this.#seen.add(prefix + rest)
    if (fresh.length > 0) this.#handle(fresh)
    return true
  }
}

/** `undefined` when a listed key had no value any more: the listing is out of date. */
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

/** `get-tree` of a whole key is a `get` that does not refuse the transaction when the key has gone. */
async function getMany(client: ConsulClient, keys: readonly string[], how: ReadOptions): Promise<readonly KvEntry[]> {
  const operations = keys.map(key => ({verb: 'get-tree' as const, key}))
  const result = await client.txn.commit(operations, how)
  return result.committed ? result.entries : []
}
