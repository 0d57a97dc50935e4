import {byteLength, compareText, encodeText, joinBytes, sliceBytes} from './text.js'
import {
  type Argument,
  anyType,
  bitsOf,
  boolType,
  float64Type,
  funcType,
  type GoType,
  type GoValue,
  intType,
  isUnsigned,
  mapType,
  type Signature,
  sliceType,
  stringType,
  uint8Type,
} from './types.js'

/** A function that a template can call. It throws a {@link GoError} where a Go function would return an error. */
export type Call = (...args: Argument[]) => Argument

/** An entry of a map. */
export interface MapEntry {
  readonly key: GoValue
  value: Argument
}

/** Entries of a map by their {@link mapKey}. */
export type MapData = Map<string, MapEntry>

/** The error that a template function returns in Go. */
export class GoError extends Error {
  override readonly name: string = 'GoError'
}

/**
 * Thrown by a template function that cannot return its value yet. With `onInterruption`, only the action that called
 * the function is skipped; otherwise the execution ends with this error.
 */
export class Interruption extends Error {
  override readonly name = 'Interruption'
}

export function makeString(text: string): GoValue {
  return {type: stringType, data: text}
}

export function makeBool(data: boolean): GoValue {
  return {type: boolType, data}
}

/** Makes an integer. Bits that do not fit the type are cut off, as in Go. */
export function makeInt(value: bigint | number, type: GoType = intType): GoValue {
  const bits = bitsOf(type.kind)
  const whole = BigInt(value)
  return {type, data: isUnsigned(type.kind) ? BigInt.asUintN(bits, whole) : BigInt.asIntN(bits, whole)}
}

export function makeFloat(data: number): GoValue {
  return {type: float64Type, data}
}

/** Makes a slice. Pass elements of an interface type without the interface. */
export function makeSlice(elem: GoType, elements: readonly Argument[]): GoValue {
  return {type: sliceType(elem), data: elements}
}

export function makeStrings(texts: readonly string[]): GoValue {
  return makeSlice(stringType, texts.map(makeString))
}

/** Makes a map with string keys. */
export function makeMap(elem: GoType, entries: Iterable<readonly [string, Argument]>): GoValue {
  const data: MapData = new Map()
  for (const [name, value] of entries) {
    const key = makeString(name)
    data.set(mapKey(key), {key, value})
  }
  return {type: mapType(stringType, elem), data}
}

/** Makes a struct from fields by name. Omitted fields have the zero value of their type. */
export function makeStruct(type: GoType, fields: Readonly<Record<string, Argument>>): GoValue {
  const data = (type.fields ?? []).map(field =>
    Object.hasOwn(fields, field.name) ? fields[field.name] : stored(zeroOf(field.type)),
  )
  return {type, data}
}

export function makeFunc(signature: Signature, call: Call): GoValue {
  return {type: funcType(signature), data: call}
}

/**
 * Converts parsed JSON as Go's `encoding/json` does: numbers are float64, objects `map[string]interface {}`, null is
 * nil. A bigint becomes an int64.
 */
export function fromJson(json: unknown): Argument {
  if (json === null || json === undefined) return undefined
  if (typeof json === 'string') return makeString(json)
  if (typeof json === 'number') return makeFloat(json)
  if (typeof json === 'bigint') return makeInt(json)
  if (typeof json === 'boolean') return makeBool(json)
  if (Array.isArray(json)) return makeSlice(anyType, json.map(fromJson))
  return makeMap(
    anyType,
    Object.entries(json).map(([key, value]) => [key, fromJson(value)] as const),
  )
}

/** Returns the zero value of a type. */
export function zeroOf(type: GoType): GoValue {
  const {kind} = type
  if (kind === 'bool') return {type, data: false}
  if (kind === 'string') return {type, data: ''}
  if (kind === 'float32' || kind === 'float64') return {type, data: 0}
  if (kind === 'complex128') return {type, data: {re: 0, im: 0}}
  if (kind === 'struct') return {type, data: (type.fields ?? []).map(field => stored(zeroOf(field.type)))}
  if (kind === 'interface') return {type, data: undefined}
  if (kind === 'array') return {type, data: []}
  return {type, data: ['slice', 'map', 'pointer', 'func'].includes(kind) ? null : 0n}
}

/** Returns a value in the form in which containers store it: without its interface. */
export function stored(value: Argument): Argument {
  return value?.type.kind === 'interface' ? (value.data as Argument) : value
}

/**
 * Returns an element of a container as a value of the element type: within an interface if that type is an interface.
 */
export function asElement(elem: GoType, held: Argument): GoValue {
  if (elem.kind === 'interface') return {type: elem, data: held}
  return held ?? zeroOf(elem)
}

/** True for Go's invalid value and for nil values of any type. */
export function isNil(value: Argument): boolean {
  if (value === undefined) return true
  return value.data === null || (value.type.kind === 'interface' && value.data === undefined)
}

/** Returns the elements of a slice or array; none for a nil slice. */
export function elementsOf(value: GoValue): readonly Argument[] {
  return (value.data as readonly Argument[] | null) ?? []
}

/** Returns the entries of a map; none for a nil map. */
export function entriesOf(value: GoValue): MapData {
  return (value.data as MapData | null) ?? new Map<string, MapEntry>()
}

/** Returns the length of a string, slice, array or map. */
export function lengthOf(value: GoValue): number {
  if (value.type.kind === 'string') return byteLength(value.data as string)
  return value.type.kind === 'map' ? entriesOf(value).size : elementsOf(value).length
}

/** Returns an element of a slice or array, or a byte of a string. */
export function elementAt(value: GoValue, index: number): GoValue {
  if (value.type.kind === 'string') return makeInt(encodeText(value.data as string)[index] ?? 0, uint8Type)
  return asElement(value.type.elem ?? anyType, elementsOf(value)[index])
}

/** Returns a part of a string, slice or array. */
export function part(value: GoValue, from: number, to: number): GoValue {
  if (value.type.kind === 'string') return {type: value.type, data: sliceBytes(value.data as string, from, to)}
  return {type: value.type, data: value.data === null ? null : elementsOf(value).slice(from, to)}
}

/** Returns the bytes of a `[]uint8`. */
export function bytesOf(value: GoValue): Uint8Array {
  return Uint8Array.from(elementsOf(value), element => Number(element?.data as bigint))
}

/** Returns a string that is the same for equal map keys. */
export function mapKey(key: Argument): string {
  const value = stored(key)
  if (value === undefined) return 'nil'
  const {type, data} = value
  if (type.kind === 'string') return `${type.text} ${joinBytes(data as string)}`
  if (type.kind === 'struct') return `${type.text} ${(data as readonly Argument[]).map(mapKey).join(' ')}`
  return `${type.text} ${String(data)}`
}

/** Returns a map's entries in Go's order of keys, which `range` and printing use. */
export function sortedEntries(value: GoValue): readonly MapEntry[] {
  return [...entriesOf(value).values()].sort((a, b) => compareKeys(a.key, b.key))
}

const kindOrder = ['int', 'int64', 'uint64', 'float64', 'string', 'bool']

function compareKeys(a: GoValue, b: GoValue): number {
  if (a.type !== b.type) return kindOrder.indexOf(a.type.kind) - kindOrder.indexOf(b.type.kind)
  if (a.type.kind === 'string') return compareText(a.data as string, b.data as string)
  const left = a.data as bigint | number | boolean
  const right = b.data as bigint | number | boolean
  return left < right ? -1 : left > right ? 1 : 0
}
