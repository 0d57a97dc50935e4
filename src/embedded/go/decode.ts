import {parseGoDuration} from './duration.js'
import {JsonError, type JsonValue} from './json-parse.js'

/** What a field may hold. `duration` takes a Go duration or a number of nanoseconds; `bytes` is base64. */
export type FieldType =
  | 'string'
  | 'bool'
  | 'int'
  | 'uint64'
  | 'duration'
  | 'bytes'
  | 'strings'
  | 'map'
  | 'any'
  | {readonly object: Fields}
  | {readonly list: Fields}
export type Fields = Readonly<Record<string, FieldType>>

/** Fields that were given, by the canonical name; `null` and absent are the same, as in Go. */
export class Decoded {
  readonly #values: ReadonlyMap<string, unknown>

  constructor(values: ReadonlyMap<string, unknown>) {
    this.#values = values
  }

  has = (name: string): boolean => this.#values.has(name)
  string = (name: string): string => (this.#values.get(name) as string | undefined) ?? ''
  bool = (name: string): boolean => (this.#values.get(name) as boolean | undefined) ?? false
  int = (name: string): number => (this.#values.get(name) as number | undefined) ?? 0
  uint64 = (name: string): bigint => (this.#values.get(name) as bigint | undefined) ?? 0n
  /** Nanoseconds. */
  duration = (name: string): number => (this.#values.get(name) as number | undefined) ?? 0
  bytes = (name: string): Buffer | undefined => this.#values.get(name) as Buffer | undefined
  strings = (name: string): readonly string[] | undefined => this.#values.get(name) as readonly string[] | undefined
  map = (name: string): ReadonlyMap<string, string> | undefined =>
    this.#values.get(name) as ReadonlyMap<string, string> | undefined
  object = (name: string): Decoded | undefined => this.#values.get(name) as Decoded | undefined
  list = (name: string): readonly Decoded[] | undefined => this.#values.get(name) as readonly Decoded[] | undefined
  any = (name: string): JsonValue | undefined => this.#values.get(name) as JsonValue | undefined
}

const kindOf = (value: JsonValue): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (value instanceof Map) return 'object'
  return typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'number' : typeof value
}

const refuse = (value: JsonValue, name: string, goType: string): never => {
  throw new JsonError(`json: cannot unmarshal ${kindOf(value)} into Go struct field .${name} of type ${goType}`)
}

const alphabet = /^[A-Za-z0-9+/]*={0,2}$/

/** Strict standard base64, complaining like Go about the first byte that is wrong. Line breaks are allowed. */
function decodeBase64(text: string): Buffer {
  const clean = text.replace(/[\r\n]/g, '')
  if (alphabet.test(clean) && clean.length % 4 === 0) return Buffer.from(clean, 'base64')
  const wrong = clean.search(/[^A-Za-z0-9+/]/)
  const at = wrong >= 0 && clean[wrong] !== '=' ? wrong : Math.floor(clean.length / 4) * 4
  throw new JsonError(`illegal base64 data at input byte ${at}`)
}

function stringOf(value: JsonValue, name: string): string {
  return typeof value === 'string' ? value : refuse(value, name, 'string')
}

function decodeMap(value: JsonValue, name: string): Map<string, string> {
  if (!(value instanceof Map)) return refuse(value, name, 'map[string]string')
  return new Map([...value].map(([key, item]) => [key, item === null ? '' : stringOf(item, name)]))
}

function decodeNumber(value: JsonValue, name: string, goType: 'int' | 'uint64'): number | bigint {
  if (typeof value !== 'number' && typeof value !== 'bigint') return refuse(value, name, goType)
  const fits = typeof value === 'bigint' || Number.isInteger(value)
  if (goType === 'int') return fits ? Number(value) : refuse(value, name, 'int')
  const exact = fits ? BigInt(value) : -1n
  if (exact >= 0n && exact < 2n ** 64n) return exact
  throw new JsonError(`json: cannot unmarshal number ${String(value)} into Go struct field .${name} of type ${goType}`)
}

function decodeDuration(value: JsonValue, name: string): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  if (typeof value !== 'string') return refuse(value, name, 'time.Duration')
  if (value === '') return 0
  const parsed = parseGoDuration(value)
  if ('error' in parsed) throw new JsonError(parsed.error)
  return parsed.ns
}

function decodeList(value: JsonValue, name: string, fields: Fields): Decoded[] {
  if (!Array.isArray(value)) return refuse(value, name, 'slice')
  return value.map(item => (item === null ? new Decoded(new Map()) : decodeObject(item, fields, name)))
}

function decodeField(value: JsonValue, type: FieldType, name: string): unknown {
  if (typeof type === 'object') {
    return 'object' in type ? decodeObject(value, type.object, name) : decodeList(value, name, type.list)
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
      return decodeDuration(value, name)
    case 'bytes':
      return decodeBase64(stringOf(value, name))
    case 'strings':
      if (!Array.isArray(value)) return refuse(value, name, '[]string')
      return value.map(item => (item === null ? '' : stringOf(item, name)))
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

/** Takes field names in any case (and in snake case); an unknown one is refused unless `lenient`. */
export function decodeObject(value: JsonValue, fields: Fields, name = '', lenient = false): Decoded {
  if (value === null) return new Decoded(new Map())
  if (!(value instanceof Map)) return refuseWhole(value, name)
  const names = namesOf(fields)
  const found = new Map<string, unknown>()
  for (const [key, item] of value) {
    const field = names.get(fold(key))
    if (field === undefined) {
      if (lenient) continue
      throw new JsonError(`json: unknown field "${key}"`)
    }
    const type = fields[field]
    if (item !== null && type !== undefined) found.set(field, decodeField(item, type, field))
  }
  return new Decoded(found)
}

function refuseWhole(value: JsonValue, name: string): never {
  if (name !== '') return refuse(value, name, 'struct')
  throw new JsonError(`json: cannot unmarshal ${kindOf(value)} into Go value of type map[string]interface {}`)
}
