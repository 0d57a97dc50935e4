import {decodeGoBase64} from '../core/api/go-base64.js'
import {goJson} from '../core/api/go-json.js'
import {UsageError} from '../core/errors.js'
import {parseConsulJson} from '../core/http/json-bigint.js'
import type {KvEntry} from '../core/types.js'

/** One key of an export file. */
export interface ExchangeEntry {
  /** Without a leading `/`. */
  readonly key: string
  /** The bytes, decoded. */
  readonly value: Buffer
  /** A number of 64 bits without sign. @default 0 in a file */
  readonly flags: bigint
}

/**
 * The JSON of `consul kv export`: keys, flags and values. Sessions and indexes do not travel.
 *
 * @example
 * ```ts
 * await client.kv.put('exported/a', Buffer.from('1'), {flags: 7n})
 * const {value: entries} = await client.kv.list('exported/')
 * JSON.parse(exportText(entries)) // => [{key: 'exported/a', flags: 7, value: 'MQ=='}]
 * ```
 */
export const exportText = (entries: readonly KvEntry[]): string =>
  goJson(
    entries.map(entry => ({key: entry.key, flags: entry.flags, value: entry.value.toString('base64')})),
    '\t',
  )

const maxFlags = 2n ** 64n - 1n
const wideNumber = /"(flags)"(\s*:\s*)(\d{16,})/gi

/**
 * Reads what `consul kv export` wrote. Throws a UsageError that names the entry and the fault; nothing is written
 * before all is read.
 *
 * @example
 * ```ts
 * const [entry] = parseExchange('[{"key": "a", "flags": 7, "value": "MQ=="}]')
 * entry // => {key: 'a', flags: 7n, value: Buffer.from('1')}
 * ```
 */
export function parseExchange(text: string): readonly ExchangeEntry[] {
  if (text === '') throw new UsageError('Error! Empty DATA argument')
  const raw = parseArray(text)
  return raw.map((item, at) => toEntry(item, at))
}

function parseArray(text: string): readonly unknown[] {
  let raw: unknown
  try {
    // Lower-case flags are not among the fields the decoder keeps exact.
    raw = parseConsulJson(text.replace(wideNumber, '"Flags"$2$3'))
  } catch (error) {
    throw new UsageError(`Cannot unmarshal data: ${error instanceof Error ? error.message : String(error)}`, {
      hint: 'expected the JSON that kv export writes',
    })
  }
  if (raw === null) return []
  if (!Array.isArray(raw)) throw new UsageError('Cannot unmarshal data: expected an array of {key, flags, value}')
  return raw
}

function toEntry(item: unknown, at: number): ExchangeEntry {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    throw new UsageError(`Cannot unmarshal data: entry ${at} is not an object`)
  }
  // Go matches names without regard to case.
  const fields = new Map(Object.entries(item).map(([name, field]) => [name.toLowerCase(), field as unknown]))
  const {key, value, flags} = {
    key: fields.get('key') ?? '',
    value: fields.get('value') ?? '',
    flags: fields.get('flags') ?? 0,
  }
  if (typeof key !== 'string' || typeof value !== 'string') {
    throw new UsageError(`Cannot unmarshal data: entry ${at}: key and value are strings`)
  }
  const bytes = decodeGoBase64(value)
  if (!Buffer.isBuffer(bytes)) {
    throw new UsageError(
      `Error base 64 decoding value for key ${key}: illegal base64 data at input byte ${bytes.offset}`,
    )
  }
  return {key, value: bytes, flags: toFlags(flags, key)}
}

function toFlags(flags: unknown, key: string): bigint {
  const exact =
    typeof flags === 'bigint' ? flags : typeof flags === 'number' && Number.isInteger(flags) ? BigInt(flags) : undefined
  if (exact === undefined || exact < 0n || exact > maxFlags) {
    throw new UsageError(`Cannot unmarshal data: flags of key ${key} are not a number between 0 and 2^64-1`)
  }
  return exact
}

/** Why Consul would not take a key, or `undefined`. Asked before anything is written. */
export function keyFault(key: string): string | undefined {
  if (key === '') return 'Missing key name'
  if (key.startsWith('/')) return `Invalid key. Key must not begin with a '/': ${key}`
  return undefined
}
