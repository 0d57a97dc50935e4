import {type BulkItem, defaultBulkLimits} from '../core/bulk/pack.js'
import {sendBulk} from '../core/bulk/send.js'
import {abortSignal, boolean, callback, checkOptions, type OptionRule} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {valueLimitBytes} from '../core/consul-constants.js'
import {clientRule} from '../core/context-rules.js'
import {BatonError, ConflictError, isBatonError, messageOf} from '../core/errors.js'
import {checkKeys, type ExchangeEntry} from './exchange.js'

/** Options of an import. */
export interface ImportOptions {
  /**
   * Aborting this signal ends the import before the next transaction. The current transaction is completed, so that
   * every written key is reported.
   */
  readonly signal?: AbortSignal
  /** Writes all keys in one transaction, or none if they do not fit in one transaction. @default false */
  readonly isAtomic?: boolean
  /** Skips existing keys. With `isAtomic`, a single existing key rejects the whole import. @default false */
  readonly isCreateOnly?: boolean
  /** Called after each transaction with the keys that it wrote. Must not throw. */
  readonly observer?: (event: ImportEvent) => void
}

/** An event of an import. */
export interface ImportEvent {
  /** The only type so far. Others may follow. */
  readonly type: 'keys.imported'
  /** The keys of one transaction, in the order of the entries. */
  readonly keys: readonly string[]
}

/** The result of an import. */
export interface ImportResult {
  /** Number of keys that were written. */
  readonly imported: number
  /** Keys that were skipped because they exist (with `isCreateOnly`). */
  readonly skipped: readonly string[]
}

type ImportClient = Pick<ConsulClient, 'kv' | 'txn' | 'scope'>

/** The error of an import that ended at `key`: all keys before `key` were written, and none after it. */
export class ImportError extends BatonError {
  readonly key: string
  constructor(key: string, cause: unknown) {
    super('BATON_HTTP', `import: key ${key}: ${messageOf(cause)}`, {cause})
    this.key = key
  }
}

/**
 * Writes all entries in order, in as few transactions as possible. Throws a UsageError before the first write if Consul
 * does not accept one of the keys.
 *
 * @example
 * ```ts
 * const entries = parseExchange('[{"key": "imported/a", "value": "MQ=="}]')
 * await importEntries(client, entries) // => {imported: 1, skipped: []}
 * await importEntries(client, entries, {isCreateOnly: true}) // => {imported: 0, skipped: ['imported/a']}
 * ```
 */
export async function importEntries(
  client: ImportClient,
  entries: readonly ExchangeEntry[],
  options: ImportOptions = {},
): Promise<ImportResult> {
  checkArguments('importEntries', client, {entries, options})
  if (entries.length === 0) return {imported: 0, skipped: []}
  return options.isAtomic === true ? importAtOnce(client, entries, options) : importInOrder(client, entries, options)
}

const isEntry = (one: Readonly<Record<string, unknown>> | null): boolean =>
  typeof one?.['key'] === 'string' && one['value'] instanceof Uint8Array && typeof one['flags'] === 'bigint'

const entriesRule: OptionRule = {
  expected: 'an array of {key, value, flags}, like that of parseExchange',
  accepts: value => Array.isArray(value) && value.every(isEntry),
}
const rules = {signal: abortSignal, isAtomic: boolean, isCreateOnly: boolean, observer: callback}

function checkArguments(
  what: string,
  client: ImportClient,
  {entries, options}: {readonly entries: readonly ExchangeEntry[]; readonly options: ImportOptions},
): void {
  checkOptions(what, {client, entries}, {client: clientRule, entries: entriesRule}, ['client', 'entries'])
  checkOptions(what, options, rules)
  checkKeys(entries)
}

const toItem = ({key, value, flags}: ExchangeEntry, create = false): BulkItem => ({
  operation: create ? {verb: 'cas', key, value, flags, index: 0n} : {verb: 'set', key, value, flags},
})

async function importInOrder(
  client: ImportClient,
  entries: readonly ExchangeEntry[],
  {signal = new AbortController().signal, isCreateOnly, observer}: ImportOptions,
): Promise<ImportResult> {
  const skipped: string[] = []
  let imported = 0
  let refusal: ImportError | undefined
  const failure = await sendBulk(
    entries.map(entry => toItem(entry, isCreateOnly)),
    {
      client,
      limits: defaultBulkLimits(),
      concurrency: 1,
      stop: signal,
      onCommitted: items => {
        imported += items.length
        observer?.({type: 'keys.imported', keys: items.map(({operation}) => operation.key)})
      },
      handleRefused: ({operation: {key}}, error) => {
        if (error.code === 'BATON_CAS_CONFLICT') {
          skipped.push(key)
          return 'continue'
        }
        refusal = new ImportError(key, error)
        return 'stop'
      },
    },
  )
  if (refusal !== undefined) throw refusal
  if (failure) throw new ImportError(failure.items[0]?.operation.key ?? '', failure.error)
  signal.throwIfAborted()
  return {imported, skipped}
}

async function importAtOnce(
  client: ImportClient,
  entries: readonly ExchangeEntry[],
  {signal, isCreateOnly, observer}: ImportOptions,
): Promise<ImportResult> {
  signal?.throwIfAborted()
  const keys = entries.map(({key}) => key)
  const [firstKey = ''] = keys
  const operations = entries.map(entry => toItem(entry, isCreateOnly).operation)
  const result = await client.txn.commit(operations).catch((error: unknown) => {
    throw isBatonError(error, 'BATON_TOO_LARGE') ? tooLarge(entries, error) : new ImportError(firstKey, error)
  })
  if (result.committed) {
    observer?.({type: 'keys.imported', keys})
    return {imported: keys.length, skipped: []}
  }
  const [first] = result.errors
  const key = keys[first?.opIndex ?? 0] ?? ''
  if (isCreateOnly === true && result.errors.every(({what}) => what.includes('index is stale'))) {
    throw new ConflictError('BATON_CAS_CONFLICT', `key ${key}: exists, so nothing was imported`)
  }
  const what = first?.what ?? 'refused'
  const code = what.includes('Permission denied') ? 'BATON_ACL_DENIED' : 'BATON_HTTP'
  throw new ImportError(key, new BatonError(code, what))
}

/**
 * Returns the error for an import with a value that exceeds Consul's limit or, if there is none, for an import that
 * does not fit in one transaction.
 */
function tooLarge(entries: readonly ExchangeEntry[], cause: unknown): BatonError {
  const large = entries.find(({value}) => value.byteLength > valueLimitBytes)
  if (large) {
    const size = `a value of ${large.value.byteLength} bytes is more than Consul takes (${valueLimitBytes} by default)`
    return new BatonError('BATON_TOO_LARGE', `import: key ${large.key}: ${size}`, {
      cause,
      hint: 'nothing was written; shorten the value or leave the key out',
    })
  }
  return new BatonError('BATON_TOO_LARGE', `import: ${entries.length} keys do not fit one transaction of this Consul`, {
    cause,
    hint: 'nothing was written; leave `isAtomic` out, or import fewer keys',
  })
}

/** The effect that an import would have on a key. */
export type PlannedChange = 'create' | 'update' | 'unchanged' | 'skip'

/**
 * Returns what an import would do to each key. Writes nothing.
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
  options: Pick<ImportOptions, 'isCreateOnly' | 'signal'> = {},
): Promise<readonly {readonly key: string; readonly change: PlannedChange}[]> {
  checkArguments('planImport', client, {entries, options})
  const prefix = commonPrefix(entries.map(entry => entry.key))
  const present = await client.kv.list(prefix, options.signal ? {signal: options.signal} : {})
  const byKey = new Map(present.value.map(entry => [entry.key, entry]))
  return entries.map(({key, value, flags}) => {
    const old = byKey.get(key)
    if (!old) return {key, change: 'create'}
    if (options.isCreateOnly === true) return {key, change: 'skip'}
    return {key, change: old.flags === flags && old.value.equals(value) ? 'unchanged' : 'update'}
  })
}

/** Returns the longest folder name with which all keys begin. Only this folder is listed before the import. */
function commonPrefix(keys: readonly string[]): string {
  const [first = '', ...others] = keys
  let length = first.length
  for (const key of others) {
    while (!key.startsWith(first.slice(0, length))) length -= 1
  }
  const shared = first.slice(0, length)
  return shared.slice(0, shared.lastIndexOf('/') + 1)
}
