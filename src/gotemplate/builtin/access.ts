import type {Argument, GoType, GoValue} from '../value/types.js'
import {canBeNil, isAssignable, isComparable, isSigned, isUnsigned} from '../value/types.js'
import {
  asElement,
  type Call,
  elementAt,
  entriesOf,
  GoError,
  isNil,
  lengthOf,
  mapKey,
  part,
  stored,
  zeroOf,
} from '../value/values.js'

/** Follows pointers and interfaces to the value that they contain. `nil` is true if one of them is nil. */
export function indirect(given: Argument): {value: Argument; nil: boolean} {
  let value = given
  while (value !== undefined && (value.type.kind === 'pointer' || value.type.kind === 'interface')) {
    if (isNil(value)) return {value, nil: true}
    value = value.data as Argument
  }
  return {value, nil: false}
}

/** Go's template function `index item 1 "key"`. */
export function indexOf(item: Argument, indexes: readonly Argument[]): Argument {
  let current = stored(item)
  if (current === undefined) throw new GoError('index of untyped nil')
  for (const given of indexes) {
    const {value, nil} = indirect(current)
    if (nil || value === undefined) throw new GoError('index of nil pointer')
    current = oneIndex(value, stored(given))
  }
  return current
}

function oneIndex(item: GoValue, index: Argument): GoValue {
  const {kind, key, elem} = item.type
  if (kind === 'string' || kind === 'slice' || kind === 'array') {
    const at = position(index, lengthOf(item))
    if (at === lengthOf(item)) throw outOfRange(item)
    return elementAt(item, at)
  }
  if (kind !== 'map' || key === undefined || elem === undefined) {
    throw new GoError(`can't index item of type ${item.type.text}`)
  }
  const wanted = prepared(index, key)
  if (wanted !== undefined && !isComparable(wanted.type)) {
    throw new GoError(`runtime error: hash of unhashable type ${wanted.type.text}`)
  }
  const entry = entriesOf(item).get(mapKey(wanted))
  return entry === undefined ? zeroOf(elem) : asElement(elem, entry.value)
}

function outOfRange(item: GoValue): GoError {
  return new GoError(`reflect: ${item.type.kind === 'string' ? 'string' : item.type.kind} index out of range`)
}

function position(index: Argument, most: number): number {
  if (index === undefined) throw new GoError('cannot index slice/array with nil')
  if (!isSigned(index.type.kind) && !isUnsigned(index.type.kind)) {
    throw new GoError(`cannot index slice/array with type ${index.type.text}`)
  }
  const at = BigInt.asIntN(64, index.data as bigint)
  if (at < 0n || at > BigInt(most)) throw new GoError(`index out of range: ${at}`)
  return Number(at)
}

/**
 * Converts a value to the key type of a map or the parameter type of a function. Converts an integer to any integer
 * type.
 */
function prepared(value: Argument, type: GoType): Argument {
  if (value === undefined) {
    if (!canBeNil(type)) throw new GoError(`value is nil; should be of type ${type.text}`)
    return stored(zeroOf(type))
  }
  if (isAssignable(value.type, type)) return type.kind === 'interface' ? value : {type, data: value.data}
  const {kind} = value.type
  if ((isSigned(kind) || isUnsigned(kind)) && (isSigned(type.kind) || isUnsigned(type.kind))) {
    return {type, data: value.data}
  }
  throw new GoError(`value has type ${value.type.text}; should be ${type.text}`)
}

/** Go's template function `slice item 1 2`. */
export function sliceOf(given: Argument, indexes: readonly Argument[]): Argument {
  const item = stored(given)
  if (item === undefined) throw new GoError('slice of untyped nil')
  if (indexes.length > 3) throw new GoError(`too many slice indexes: ${indexes.length}`)
  const {kind, text} = item.type
  if (kind === 'string' && indexes.length === 3) throw new GoError('cannot 3-index slice a string')
  if (kind !== 'string' && kind !== 'slice' && kind !== 'array') throw new GoError(`can't slice item of type ${text}`)
  const most = lengthOf(item)
  const [from = 0, to = most, cap = most] = indexes.map(index => position(index, most))
  if (from > to) throw new GoError(`invalid slice index: ${from} > ${to}`)
  if (to > cap) throw new GoError(`invalid slice index: ${to} > ${cap}`)
  if (kind === 'array') {
    throw new GoError(`reflect.Value.Slice${indexes.length === 3 ? '3' : ''}: slice of unaddressable array`)
  }
  return part(item, from, to)
}

/** Go's template function `len item`. */
export function lengthOfAny(given: Argument): number {
  const {value, nil} = indirect(given)
  if (nil) throw new GoError('len of nil pointer')
  if (value !== undefined && ['array', 'map', 'slice', 'string'].includes(value.type.kind)) return lengthOf(value)
  if (value === undefined) throw new GoError('reflect: call of reflect.Value.Type on zero Value')
  throw new GoError(`len of type ${value.type.text}`)
}

/** Go's template function `call function a b`. */
export function callFunction(given: Argument, args: readonly Argument[]): Argument {
  const fn = stored(given)
  if (fn === undefined) throw new GoError('call of nil')
  const {signature, text} = fn.type
  if (signature === undefined) throw new GoError(`non-function of type ${text}`)
  const last = signature.in.length - 1
  if (signature.variadic === true) {
    if (args.length < last) {
      throw new GoError(`wrong number of args: got ${args.length} want at least ${last}`)
    }
  } else if (args.length !== signature.in.length) {
    throw new GoError(`wrong number of args: got ${args.length} want ${signature.in.length}`)
  }
  const ready = args.map((arg, i) => {
    const type = signature.in[Math.min(i, last)]
    try {
      return type === undefined ? arg : prepared(stored(arg), type)
    } catch (error) {
      throw error instanceof GoError ? new GoError(`arg ${i}: ${error.message}`) : error
    }
  })
  if (fn.data === null) throw new GoError('reflect: call of nil function')
  return (fn.data as Call)(...ready)
}
