import {decodeGoBase64} from '../core/api/go-base64.js'
import {goJson} from '../core/api/go-json.js'
import {bytes, checkOptions, type OptionRule, text as string, uint64} from '../core/check-options.js'
import {messageOf, UsageError} from '../core/errors.js'
import {parseConsulJson} from '../core/http/json-bigint.js'
import type {KvEntry} from '../core/types.js'

/** One key of an export file. */
export interface ExchangeEntry {
  /** The key, without a leading `/`. */
  readonly key: string
  /** The value, decoded. */
  readonly value: Buffer
  /** An unsigned 64-bit number. @default 0 if the file has no flags for the key */
  readonly flags: bigint
}

/**
 * Returns the JSON of `consul kv export`: keys, flags and values. Leaves out sessions and indexes. Throws a UsageError
 * for an entry that is not valid.
 *
 * @example
 * ```ts
 * await client.kv.put('exported/a', Buffer.from('1'), {flags: 7n})
 * const {value: entries} = await client.kv.list('exported/')
 * JSON.parse(exportText(entries)) // => [{key: 'exported/a', flags: 7, value: 'MQ=='}]
 * ```
 */
export function exportText(entries: readonly Pick<KvEntry, 'key' | 'value' | 'flags'>[]): string {
  checkOptions('exportText', {entries}, {entries: list}, ['entries'])
  return goJson(entries.map(toRaw), '\t')
}

const list: OptionRule = {expected: 'an array of keys', accepts: Array.isArray}
const entryRules = {key: string, value: bytes, flags: uint64}

function toRaw(entry: Pick<KvEntry, 'key' | 'value' | 'flags'>): {key: string; flags: bigint; value: string} {
  checkOptions('exportText', entry, entryRules, ['key', 'value', 'flags'])
  return {key: entry.key, flags: entry.flags, value: Buffer.from(entry.value).toString('base64')}
}

const maxFlags = 2n ** 64n - 1n
const wideNumber = /"(flags)"(\s*:\s*)(\d{16,})/gi

/** The value of the error detail `fault`: what is wrong with the data of an import. */
export type ExchangeFault = 'empty' | 'format' | 'base64' | 'key'

/**
 * Parses the output of `consul kv export`. Throws a UsageError that names the first invalid entry. Its details are
 * `fault` and, if they apply, `key` and `offset` (the position of the first byte that is not base64).
 *
 * @example
 * ```ts
 * const [entry] = parseExchange('[{"key": "a", "flags": 7, "value": "MQ=="}]')
 * entry // => {key: 'a', flags: 7n, value: Buffer.from('1')}
 * ```
 */
export function parseExchange(text: string): readonly ExchangeEntry[] {
  checkOptions('parseExchange', {text}, {text: string}, ['text'])
  if (text === '') throw refusal('empty', 'the data is empty')
  const raw = parseArray(text)
  return raw.map((item, at) => toEntry(item, at))
}

function parseArray(text: string): readonly unknown[] {
  let raw: unknown
  try {
    // The parser keeps `Flags` exact, but not `flags` in lower case, so the name is normalised first.
    raw = parseConsulJson(text.replace(wideNumber, '"Flags"$2$3'))
  } catch (error) {
    throw refusal('format', messageOf(error))
  }
  if (raw === null) return []
  if (!Array.isArray(raw)) throw refusal('format', 'expected an array of {key, flags, value}')
  return raw
}

function toEntry(item: unknown, at: number): ExchangeEntry {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    throw refusal('format', `entry ${at} is not an object`)
  }
  // As in Go, field names may be in upper or lower case.
  const fields = new Map(Object.entries(item).map(([name, field]) => [name.toLowerCase(), field as unknown]))
  const {key, value, flags} = {
    key: fields.get('key') ?? '',
    value: fields.get('value') ?? '',
    flags: fields.get('flags') ?? 0,
  }
  if (typeof key !== 'string' || typeof value !== 'string') {
    throw refusal('format', `entry ${at}: key and value must be strings`)
  }
  const bytes = decodeGoBase64(value)
  if (!Buffer.isBuffer(bytes)) {
    const {offset} = bytes
    throw refusal('base64', `key ${key}: the value is not base64 from byte ${offset} on`, {key, offset})
  }
  return {key, value: bytes, flags: toFlags(flags, key)}
}

function toFlags(flags: unknown, key: string): bigint {
  const exact =
    typeof flags === 'bigint' ? flags : typeof flags === 'number' && Number.isInteger(flags) ? BigInt(flags) : undefined
  if (exact === undefined || exact < 0n || exact > maxFlags) {
    throw refusal('format', `flags of key ${key} are not a whole number from 0 to 2^64 - 1`)
  }
  return exact
}

/** Throws a UsageError for the first key that Consul refuses. */
export function checkKeys(entries: readonly ExchangeEntry[]): void {
  for (const {key} of entries) {
    const reason = key === '' ? 'a key is empty' : key.startsWith('/') ? `key ${key} begins with '/'` : undefined
    if (reason !== undefined) throw refusal('key', reason, {key})
  }
}

/** Returns the error for invalid data. The details also contain the reason, for callers that word their own message. */
function refusal(fault: ExchangeFault, reason: string, details: Readonly<Record<string, unknown>> = {}): UsageError {
  const hint = fault === 'format' || fault === 'empty' ? {hint: 'give the JSON that kv export writes'} : {}
  return new UsageError(`import: ${reason}`, {...hint, details: {fault, reason, ...details}})
}
