import {encodeKey} from '../core/api/kv.js'
import {encodeTxn} from '../core/api/txn.js'
import type {ConsulClient} from '../core/client.js'
import {txnOperationLimit} from '../core/consul-constants.js'
import {BatonError, ConflictError, ConsulError, isBatonError, messageOf} from '../core/errors.js'
import type {CallOptions, KvOperation} from '../core/types.js'
import {type ExchangeEntry, keyFault} from './exchange.js'

/** Consul's default for `txn_max_req_len`; smaller settings are learnt from refusals. */
const bodyLimit = 512 * 1024

/** How entries are written. */
export interface ImportOptions {
  /** Ends before the next transaction. One under way is finished, so that all that was written is reported. */
  readonly signal?: AbortSignal
  /** All or nothing: one transaction, refused as a whole when it does not fit. */
  readonly atomic?: boolean
  /** Leaves keys alone that exist; with `atomic` one of them stops everything. */
  readonly create?: boolean
  /** Called after each committed step. */
  readonly onImported?: (keys: readonly string[]) => void
}

/** What was written, and what was left alone. */
export interface ImportResult {
  readonly imported: number
  /** Keys that existed and were left alone (`create`). */
  readonly skipped: readonly string[]
}

type ImportClient = Pick<ConsulClient, 'kv' | 'txn' | 'scope'>

/** A key that Consul refused: everything before it is written, nothing after it. */
export class ImportError extends BatonError {
  readonly key: string
  constructor(key: string, cause: unknown) {
    const reason = cause instanceof ConsulError ? consulReason(cause) : messageOf(cause)
    super('BATON_HTTP', `Error! Failed writing data for key ${key}: ${reason}`, {cause})
    this.key = key
  }
}
const consulReason = (error: ConsulError): string => `Unexpected response code: ${error.status} (${error.text})`

/**
 * Writes all entries in as few transactions as possible, in their order. Bad keys are refused before the first write.
 *
 * @example
 * ```ts
 * const entries = parseExchange('[{"key": "imported/a", "value": "MQ=="}]')
 * await importEntries(client, entries) // => {imported: 1, skipped: []}
 * await importEntries(client, entries, {create: true}) // => {imported: 0, skipped: ['imported/a']}
 * ```
 */
export async function importEntries(
  client: ImportClient,
  entries: readonly ExchangeEntry[],
  options: ImportOptions = {},
): Promise<ImportResult> {
  for (const {key} of entries) {
    const fault = keyFault(key)
    if (fault !== undefined) throw new BatonError('BATON_USAGE', `Error! Failed writing data for key ${key}: ${fault}`)
  }
  const importer = new Importer(client, options)
  const batches = options.atomic === true ? [entries] : planBatches(entries, client.scope)
  for (const batch of batches) {
    options.signal?.throwIfAborted()
    if (batch.length > 0) await importer.write(batch)
  }
  return {imported: importer.imported, skipped: importer.skipped}
}

const toOperation = (entry: ExchangeEntry, create: boolean): KvOperation =>
  create
    ? {verb: 'cas', key: entry.key, value: entry.value, flags: entry.flags, index: 0n}
    : {verb: 'set', key: entry.key, value: entry.value, flags: entry.flags}

/** Cuts the entries where the next one would exceed a transaction's operations or body. One that is too long stands alone. */
export function planBatches(
  entries: readonly ExchangeEntry[],
  scope: Pick<CallOptions, 'namespace' | 'partition'> = {},
): readonly (readonly ExchangeEntry[])[] {
  const batches: ExchangeEntry[][] = []
  let size = 0
  for (const entry of entries) {
    const added = encodeTxn([toOperation(entry, true)], scope).length
    const last = batches.at(-1)
    if (last === undefined || last.length >= txnOperationLimit || size + added > bodyLimit) {
      batches.push([entry])
      size = added
    } else {
      last.push(entry)
      size += added
    }
  }
  return batches
}

class Importer {
  imported = 0
  readonly skipped: string[] = []
  readonly #client: ImportClient
  readonly #options: ImportOptions

  constructor(client: ImportClient, options: ImportOptions) {
    this.#client = client
    this.#options = options
  }

  async write(batch: readonly ExchangeEntry[]): Promise<void> {
    const [first] = batch
    if (!first) return
    const create = this.#options.create === true
    if (batch.length === 1 && this.#options.atomic !== true && !needsTransaction(first.key)) {
      return this.#writeOne(first, create)
    }
    const operations = batch.map(entry => toOperation(entry, create))
    const result = await this.#client.txn.commit(operations).catch((error: unknown) => {
      const isSplittable = batch.length > 1 || this.#options.atomic === true
      if (isSplittable && isBatonError(error, 'BATON_TOO_LARGE')) return 'too-large' as const
      throw new ImportError(first.key, error)
    })
    if (result === 'too-large') return this.#split(batch)
    if (result.committed) {
      this.#done(batch)
      return
    }
    const refused = new Map(result.errors.map(error => [error.opIndex, error.what]))
    const [at, what] = [...refused][0] ?? [0, 'refused']
    const key = batch[at]?.key ?? ''
    if (create && [...refused.values()].every(reason => reason.includes('index is stale'))) {
      if (this.#options.atomic === true) {
        throw new ConflictError('BATON_CAS_CONFLICT', `key ${key}: exists, so nothing was imported`)
      }
      this.skipped.push(...batch.filter((_, place) => refused.has(place)).map(entry => entry.key))
      return this.write(batch.filter((_, place) => !refused.has(place)))
    }
    throw new ImportError(key, new BatonError('BATON_HTTP', what))
  }

  /** A value that fills a transaction by itself still fits a plain write, which has no base64. */
  async #writeOne(entry: ExchangeEntry, create: boolean): Promise<void> {
    const {key, value, flags} = entry
    try {
      if (!create) await this.#client.kv.put(key, value, {flags})
      else if (!(await this.#client.kv.cas(key, value, {flags, index: 0n}))) {
        this.skipped.push(key)
        return
      }
    } catch (error) {
      throw new ImportError(key, error)
    }
    this.#done([entry])
  }

  async #split(batch: readonly ExchangeEntry[]): Promise<void> {
    if (this.#options.atomic === true) {
      throw new BatonError(
        'BATON_TOO_LARGE',
        `import: ${batch.length} keys do not fit one transaction of this Consul`,
        {
          hint: 'nothing was written; leave --atomic out, or import a smaller part',
        },
      )
    }
    const middle = Math.ceil(batch.length / 2)
    await this.write(batch.slice(0, middle))
    await this.write(batch.slice(middle))
  }

  #done(batch: readonly ExchangeEntry[]): void {
    this.imported += batch.length
    this.#options.onImported?.(batch.map(entry => entry.key))
  }
}

/** True for keys that no path can carry. */
function needsTransaction(key: string): boolean {
  try {
    encodeKey(key)
    return false
  } catch {
    return true
  }
}

export type PlannedChange = 'create' | 'update' | 'unchanged' | 'skip'

/**
 * What an import would do, by reading only.
 *
 * @example
 * ```ts
 * const entries = parseExchange('[{"key": "planned/a", "value": "MQ=="}]')
 * await planImport(client, entries) // => [{key: 'planned/a', change: 'create'}]
 * ```
 */
export async function planImport(
  client: ImportClient,
  entries: readonly ExchangeEntry[],
  options: Pick<ImportOptions, 'create' | 'signal'> = {},
): Promise<readonly {readonly key: string; readonly change: PlannedChange}[]> {
  const prefix = commonPrefix(entries.map(entry => entry.key))
  const present = await client.kv.list(prefix, options.signal ? {signal: options.signal} : {})
  const byKey = new Map(present.value.map(entry => [entry.key, entry]))
  return entries.map(({key, value, flags}) => {
    const old = byKey.get(key)
    if (!old) return {key, change: 'create'}
    if (options.create === true) return {key, change: 'skip'}
    return {key, change: old.flags === flags && old.value.equals(value) ? 'unchanged' : 'update'}
  })
}

/** Cut back to the last `/`, so that the path can carry it. */
function commonPrefix(keys: readonly string[]): string {
  const [first = '', ...others] = keys
  let length = first.length
  for (const key of others) {
    while (!key.startsWith(first.slice(0, length))) length -= 1
  }
  const shared = first.slice(0, length)
  return shared.slice(0, shared.lastIndexOf('/') + 1)
}
