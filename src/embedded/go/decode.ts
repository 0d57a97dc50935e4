import {parseGoDuration} from './duration.js'
import {JsonDecimal, JsonError, type JsonValue} from './json-parse.js'

/**
 * The type of a field. `duration` accepts a Go duration or a number of nanoseconds, and ignores anything else. `time`
 * accepts a time in RFC 3339. `bytes` is base64. `lists` is a map of lists of strings. A lenient object ignores unknown
 * fields.
 */
export type FieldType =
  | 'string'
  | 'bool'
  | 'int'
  | 'uint64'
  | 'duration'
  | 'time'
  | 'bytes'
  | 'strings'
  | 'map'
  | 'lists'
  | 'any'
  | {readonly object: Fields; readonly lenient?: boolean}
  | {readonly mapOf: Fields}
  | {readonly list: Fields}
export type Fields = Readonly<Record<string, FieldType>>

/**
 * The fields of a body, under their canonical names. A field that is `null` counts as absent; only `isNull`
 * distinguishes the two.
 */
export class Decoded {
  readonly #values: ReadonlyMap<string, unknown>

  readonly #nulls: ReadonlySet<string>

  constructor(values: ReadonlyMap<string, unknown>, nulls: ReadonlySet<string> = new Set()) {
    this.#values = values
    this.#nulls = nulls
  }

  isNull = (name: string): boolean => this.#nulls.has(name)

  has = (name: string): boolean => this.#values.has(name)
  string = (name: string): string => (this.#values.get(name) as string | undefined) ?? ''
  bool = (name: string): boolean => (this.#values.get(name) as boolean | undefined) ?? false
  int = (name: string): number => (this.#values.get(name) as number | undefined) ?? 0
  uint64 = (name: string): bigint => (this.#values.get(name) as bigint | undefined) ?? 0n
  /** Returns a duration in nanoseconds. */
  duration = (name: string): number => (this.#values.get(name) as number | undefined) ?? 0
  /** Returns a time in milliseconds since 1970; undefined for an absent time and for Go's zero time. */
  time = (name: string): number | undefined => this.#values.get(name) as number | undefined
  bytes = (name: string): Buffer | undefined => this.#values.get(name) as Buffer | undefined
  strings = (name: string): readonly string[] | undefined => this.#values.get(name) as readonly string[] | undefined
  map = (name: string): ReadonlyMap<string, string> | undefined =>
    this.#values.get(name) as ReadonlyMap<string, string> | undefined
  lists = (name: string): ReadonlyMap<string, readonly string[]> | undefined =>
    this.#values.get(name) as ReadonlyMap<string, readonly string[]> | undefined
  objects = (name: string): ReadonlyMap<string, Decoded> | undefined =>
    this.#values.get(name) as ReadonlyMap<string, Decoded> | undefined
  object = (name: string): Decoded | undefined => this.#values.get(name) as Decoded | undefined
  list = (name: string): readonly Decoded[] | undefined => this.#values.get(name) as readonly Decoded[] | undefined
  any = (name: string): JsonValue | undefined => this.#values.get(name) as JsonValue | undefined
}

export const kindOf = (value: JsonValue): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (value instanceof Map) return 'object'
  if (value instanceof JsonDecimal) return 'number'
  return typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'number' : typeof value
}

const refuse = (value: JsonValue, name: string, goType: string): never => {
  throw new JsonError(`json: cannot unmarshal ${kindOf(value)} into Go struct field .${name} of type ${goType}`)
}

const alphabet = /^[A-Za-z0-9+/]*={0,2}$/

/** Decodes strict standard base64, with Go's error for the first invalid byte. Line breaks are allowed. */
function decodeBase64(text: string): Buffer {
  const clean = text.replace(/[\r\n]/g, '')
  if (alphabet.test(clean) && clean.length % 4 === 0) return Buffer.from(clean, 'base64')
  const wrong = clean.search(/[^A-Za-z0-9+/]/)
  const at = wrong >= 0 && clean[wrong] !== '=' ? wrong : Math.floor(clean.length / 4) * 4
  throw new JsonError(`illegal base64 data at input byte ${at}`)
}

/** Go also accepts a list of numbers as bytes. */
function decodeOctets(values: readonly JsonValue[], name: string): Buffer {
  return Buffer.from(
    values.map(value => {
      if (value === null) return 0
      if (typeof value === 'number' && value >= 0 && value <= 255) return value
      const text = typeof value === 'number' || typeof value === 'bigint' ? ` ${value}` : ''
      throw new JsonError(`json: cannot unmarshal ${kindOf(value)}${text} into Go struct field .${name} of type uint8`)
    }),
  )
}

function stringOf(value: JsonValue, name: string): string {
  return typeof value === 'string' ? value : refuse(value, name, 'string')
}

function decodeMap(value: JsonValue, name: string): Map<string, string> {
  if (!(value instanceof Map)) return refuse(value, name, 'map[string]string')
  return new Map([...value].map(([key, item]) => [key, item === null ? '' : stringOf(item, name)]))
}

function decodeNumber(value: JsonValue, name: string, goType: 'int' | 'uint64'): number | bigint {
  const isWhole = typeof value === 'number' || typeof value === 'bigint'
  if (!isWhole && !(value instanceof JsonDecimal)) return refuse(value, name, goType)
  const exact = isWhole ? BigInt(value) : undefined
  const [least, beyond] = goType === 'int' ? [-(2n ** 63n), 2n ** 63n] : [0n, 2n ** 64n]
  if (exact !== undefined && exact >= least && exact < beyond) return goType === 'int' ? Number(exact) : exact
  const text = value instanceof JsonDecimal ? value.text : String(value)
  throw new JsonError(`json: cannot unmarshal number ${text} into Go struct field .${name} of type ${goType}`)
}

function decodeDuration(value: JsonValue): number {
  if (value instanceof JsonDecimal) return Math.trunc(value.value)
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  if (typeof value !== 'string') return 0
  const parsed = parseGoDuration(value)
  if ('error' in parsed) throw new JsonError(parsed.error)
  return parsed.ns
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/
const goZeroTimeMs = Date.parse('0001-01-01T00:00:00Z')

function decodeTime(value: JsonValue): number | undefined {
  const text = typeof value === 'string' ? value : ''
  const ms = rfc3339.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(ms)) return ms === goZeroTimeMs ? undefined : ms
  const shown = JSON.stringify(text)
  const layout = '"2006-01-02T15:04:05Z07:00"'
  throw new JsonError(`parsing time "${shown}" as "${layout}": cannot parse "${shown.slice(1)}" as "2006"`)
}

function decodeStrings(value: JsonValue, name: string): string[] {
  if (!Array.isArray(value)) return refuse(value, name, '[]string')
  return value.map(item => (item === null ? '' : stringOf(item, name)))
}

/** Decodes a map whose values all have the same type. */
function decodeEntries<T>(value: JsonValue, name: string, read: (item: JsonValue) => T): Map<string, T> {
  if (!(value instanceof Map)) return refuse(value, name, 'map')
  return new Map([...value].map(([key, item]) => [key, read(item)]))
}

/** Decodes a list of objects. `name` is empty if the list is the whole body. */
export function decodeList(value: JsonValue, name: string, fields: Fields): Decoded[] {
  if (!Array.isArray(value)) return name === '' ? refuseWhole(value, name) : refuse(value, name, 'slice')
  return value.map(item => (item === null ? new Decoded(new Map()) : decodeObject(item, fields, name)))
}

function decodeField(value: JsonValue, type: FieldType, name: string): unknown {
  if (typeof type === 'object') {
    if ('object' in type) return decodeObject(value, type.object, name, type.lenient)
    if ('list' in type) return decodeList(value, name, type.list)
    return decodeEntries(value, name, item => decodeObject(item, type.mapOf, name))
  }
  switch (type) {
    case 'string':
      return stringOf(value, name)
    case 'bool':
      return typeof value === 'boolean' ? value : refuse(value, name, 'bool')
    case 'int':
    case 'uint64':
      return decodeNumber(value, name, type)
    case 'duration':
      return decodeDuration(value)
    case 'time':
      return decodeTime(value)
    case 'bytes':
      return Array.isArray(value) ? decodeOctets(value, name) : decodeBase64(stringOf(value, name))
    case 'strings':
      return decodeStrings(value, name)
    case 'lists':
      return decodeEntries(value, name, item => (item === null ? [] : decodeStrings(item, name)))
    case 'map':
      return decodeMap(value, name)
    case 'any':
      return value
  }
}

const fold = (name: string): string => name.toLowerCase().replaceAll('_', '')

const folded = new WeakMap<Fields, ReadonlyMap<string, string>>()

function namesOf(fields: Fields): ReadonlyMap<string, string> {
  const known = folded.get(fields)
  if (known) return known
  const names = new Map(Object.keys(fields).map(field => [fold(field), field]))
  folded.set(fields, names)
  return names
}

/**
 * Decodes an object. Accepts field names without regard to case, and in snake case. Refuses an unknown field unless
 * `lenient` is set.
 */
export function decodeObject(value: JsonValue, fields: Fields, name = '', lenient = false): Decoded {
  if (value === null) return new Decoded(new Map())
  if (!(value instanceof Map)) return refuseWhole(value, name)
  const names = namesOf(fields)
  const found = new Map<string, unknown>()
  const durations = new Map<string, JsonValue>()
  const nulls = new Set<string>()
  for (const [key, item] of value) {
    const field = names.get(fold(key))
    if (field === undefined) {
      if (lenient) continue
      throw new JsonError(`json: unknown field "${key}"`)
    }
    const type = fields[field]
    if (item === null) nulls.add(field)
    if (item === null || type === undefined) continue
    if (type === 'duration') durations.set(field, item)
    else found.set(field, decodeField(item, type, field))
  }
  // As in Go, durations are decoded after all other fields, and only if those are valid, in the order of `fields`.
  for (const field of Object.keys(fields)) {
    const item = durations.get(field)
    if (item !== undefined) found.set(field, decodeField(item, 'duration', field))
  }
  return new Decoded(found, nulls)
}

function refuseWhole(value: JsonValue, name: string): never {
  if (name !== '') return refuse(value, name, 'struct')
  throw new JsonError(`json: cannot unmarshal ${kindOf(value)} into Go value of type map[string]interface {}`)
}
