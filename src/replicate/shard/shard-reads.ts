import {decodeJson} from '../../core/api/json.js'
import {encodeKey} from '../../core/api/kv.js'
import type {ConsulClient} from '../../core/client.js'
import {txnOperationLimit} from '../../core/consul-constants.js'
import {type Answer, toSnapshot} from '../../core/http/caller.js'
import type {BlockingReadOptions, CallOptions, Consistency, KvEntry, Snapshot} from '../../core/types.js'
import {listNew, type NewInList} from '../pass/list-entries.js'

/** The answer about a prefix: its index, and the names up to a separator. */
export interface Look {
  readonly isEmpty: boolean
  readonly separator: string
  /** Decodes the names. Of most answers only the index is used, so the names are not decoded earlier. */
  names(): readonly string[]
}

export interface ReadsOptions {
  readonly client: ConsulClient
  /** Options that address the datacenter of the side. */
  readonly call: CallOptions
  /** Consistency of reads that are not blocking queries. */
  readonly consistency: Consistency
  /** Whether lists of entries are compressed. */
  readonly compress: boolean
  /** Whether lists of names are compressed. Most of them are short. */
  readonly compressNames: boolean
  readonly signal: AbortSignal
}

/**
 * The result of reading keys: entries that exist, and names that the leader reports as absent. Any other
 * requested name is hidden.
 */
export interface KeysFound {
  readonly entries: ReadonlyMap<string, KvEntry>
  readonly absent: ReadonlySet<string>
}

const checksOfTransaction = txnOperationLimit - 1

/**
 * An operation that always fails. It makes Consul refuse the transaction, whose answer then lists only the
 * checks that failed, without entries for the others.
 */
const neverTrue = ([first]: readonly (readonly [string, number])[]) =>
  ({verb: 'check-index', key: first?.[0] ?? '', index: 1n}) as const

const toNames = (answer: Answer): readonly string[] =>
  answer.status === 404 ? [] : decodeJson<string[]>('kv keys', answer)

/** Maximum number of transactions that one read sends at the same time. */
const lanes = 4

/** Calls `handle` for each part of the list, with a few calls at the same time. */
async function forEachPart<T>(
  items: readonly T[],
  size: number,
  handle: (part: readonly T[]) => Promise<void>,
): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    for (let at = next; at < items.length; at = next) {
      next = at + size
      await handle(items.slice(at, next))
    }
  }
  await Promise.all(Array.from({length: Math.min(lanes, Math.ceil(items.length / size))}, work))
}

/**
 * The reads of one side. Blocking queries are never consistent. All other reads are consistent, unless the options
 * permit stale ones.
 */
export class ShardReads {
  readonly #options: ReadsOptions

  constructor(options: ReadsOptions) {
    this.#options = options
  }

  /** Reads the index of a prefix, and the names that start with it, up to the next separator. */
  async look(prefix: string, separator: string, options: BlockingReadOptions = {}): Promise<Snapshot<Look>> {
    const answer = await this.#keys(prefix, separator, options)
    return toSnapshot(answer, {isEmpty: answer.status === 404, separator, names: () => toNames(answer)})
  }

  /** Reads all names that start with `prefix`. */
  async names(prefix: string): Promise<Snapshot<readonly string[]>> {
    const answer = await this.#keys(prefix, undefined)
    return toSnapshot(answer, toNames(answer))
  }

  /** Reads all names that start with `prefix`, and the entries whose ModifyIndex is not in `versions`. */
  entries(prefix: string, versions: ReadonlyMap<string, number>): Promise<Snapshot<NewInList>> {
    const {client, compress} = this.#options
    return listNew(client, prefix, {...this.#fresh, compress, versions})
  }

  /** Resolves with the keys whose ModifyIndex differs from the given one or that the token may not read. */
  async changed(versions: readonly (readonly [string, number])[]): Promise<readonly string[]> {
    const {client} = this.#options
    const changed: string[] = []
    await forEachPart(versions, checksOfTransaction, async some => {
      const checks = some.map(([key, version]) => ({verb: 'check-index' as const, key, index: BigInt(version)}))
      const result = await client.txn.commit([...checks, neverTrue(some)], this.#transaction)
      if (result.committed) return
      for (const {opIndex} of result.errors) {
        const [key] = some[opIndex] ?? []
        if (key !== undefined) changed.push(key)
      }
    })
    return changed
  }

  /** Reads single keys in transactions, because only a transaction distinguishes absent from hidden keys. */
  async keys(names: readonly string[]): Promise<KeysFound> {
    const found = {entries: new Map<string, KvEntry>(), absent: new Set<string>()}
    await forEachPart(names, txnOperationLimit, some => this.#someKeys(some, found))
    return found
  }

  /**
   * Reads keys in one transaction. If Consul's answer names absent keys, it contains no entries, so the other
   * keys are read again.
   */
  async #someKeys(
    names: readonly string[],
    found: {entries: Map<string, KvEntry>; absent: Set<string>},
  ): Promise<void> {
    let open = names
    while (open.length > 0) {
      const gets = open.map(key => ({verb: 'get' as const, key}))
      const result = await this.#options.client.txn.commit(gets, this.#transaction)
      if (result.committed) {
        for (const entry of result.entries) found.entries.set(entry.key, entry)
        return
      }
      const refused = new Set(result.errors.map(({opIndex}) => open[opIndex]))
      for (const {opIndex, what} of result.errors) {
        const key = open[opIndex]
        if (key !== undefined && /doesn't exist/.test(what)) found.absent.add(key)
      }
      if (refused.size === 0) return
      open = open.filter(key => !refused.has(key))
    }
  }

  #keys(prefix: string, separator: string | undefined, options: BlockingReadOptions = {}): Promise<Answer> {
    const {client, call, compressNames: compress} = this.#options
    const query = {keys: true as const, ...(separator !== undefined && {separator})}
    const waits = options.index === undefined ? this.#fresh : call
    return client.caller.call(
      {method: 'GET', path: `/v1/kv/${encodeKey(prefix)}`, query, accept: [200, 404], compress},
      {...waits, ...options},
    )
  }

  get #fresh(): BlockingReadOptions {
    const {call, consistency, signal} = this.#options
    return {...call, consistency, signal}
  }

  /** Call options with which the leader answers. */
  get #transaction(): CallOptions & {readonly consistency: Consistency} {
    const {call, signal} = this.#options
    return {...call, consistency: 'consistent', signal}
  }
}
