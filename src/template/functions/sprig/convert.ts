import {isTrue} from '../../../gotemplate/builtin/truth.js'
import {show} from '../../../gotemplate/format/printer.js'
import {type Argument, anyType, isSigned, isUnsigned, sliceType} from '../../../gotemplate/value/types.js'
import {elementsOf, GoError, isNil, makeSlice, stored} from '../../../gotemplate/value/values.js'

/** sprig's `strval`: strings unchanged, anything else as `%v` prints it. */
export function toText(value: Argument): string {
  const held = stored(value)
  return held?.type.kind === 'string' ? (held.data as string) : show(held)
}

/** sprig's `toInt64`: returns 0 for values that are not numbers. */
export function toInt(value: Argument): bigint {
  const held = stored(value)
  const kind = held?.type.kind
  if (held === undefined) return 0n
  if (isSigned(kind) || isUnsigned(kind)) return BigInt.asIntN(64, held.data as bigint)
  if (kind === 'float64' || kind === 'float32') {
    const number = Math.trunc(held.data as number)
    return Number.isFinite(number) ? BigInt.asIntN(64, BigInt(number)) : 0n
  }
  if (kind === 'bool') return held.data === true ? 1n : 0n
  if (kind !== 'string') return 0n
  const text = held.data as string
  return /^[+-]?(?:0x[\da-f]+|0b[01]+|0o?[0-7]+|0|[1-9]\d*)$/i.test(text) ? wholeOf(text) : 0n
}

function wholeOf(text: string): bigint {
  const digits = text.replace(/^[+-]/, '').replace(/^0(?=[0-7])/, '0o')
  const value = BigInt(digits)
  return BigInt.asIntN(64, text.startsWith('-') ? -value : value)
}

/** sprig's `toFloat64`. */
export function toFloat(value: Argument): number {
  const held = stored(value)
  const kind = held?.type.kind
  if (held === undefined) return 0
  if (kind === 'float64' || kind === 'float32') return held.data as number
  if (isSigned(kind) || isUnsigned(kind)) return Number(held.data)
  if (kind === 'bool') return held.data === true ? 1 : 0
  if (kind !== 'string') return 0
  const number = Number(held.data)
  return Number.isNaN(number) || held.data === '' ? 0 : number
}

/** sprig's `empty`: true for nil, 0, false, and empty strings, lists and maps. A struct is never empty. */
export const isEmpty = (value: Argument): boolean => isNil(stored(value)) || !isTrue(stored(value))

/** Returns the elements of any list. Throws a GoError for other values. */
export function listOf(name: string, list: Argument): Argument[] {
  const held = stored(list)
  if (held?.type.kind !== 'slice' && held?.type.kind !== 'array') {
    throw new GoError(`Cannot ${name} on type ${held?.type.kind ?? 'invalid'}`)
  }
  return elementsOf(held).map(stored)
}

/** sprig's `list`: a `[]interface {}`. */
export const makeList = (elements: readonly Argument[]): Argument => makeSlice(anyType, elements.map(stored))

export const listType = sliceType(anyType)
