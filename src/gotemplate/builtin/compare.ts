import {sprintf} from '../format/printf.js'
import {compareText, joinBytes} from '../value/text.js'
import {type Argument, type GoValue, isComparable, isSigned, isUnsigned} from '../value/types.js'
import {GoError, isNil, stored} from '../value/values.js'

type Basic = 'bool' | 'complex' | 'int' | 'float' | 'string' | 'uint'

function basicKind(value: Argument): Basic | undefined {
  const kind = value?.type.kind
  if (kind === 'bool' || kind === 'string') return kind
  if (kind === 'float32' || kind === 'float64') return 'float'
  if (kind === 'complex128') return 'complex'
  if (isSigned(kind)) return 'int'
  return isUnsigned(kind) ? 'uint' : undefined
}

/** Go's template function `eq a b c`: true if the first value equals any of the others. */
export function equalsAny(first: Argument, others: readonly Argument[]): boolean {
  const left = stored(first)
  if (others.length === 0) throw new GoError('missing argument for comparison')
  return others.some(other => equals(left, stored(other)))
}

function equals(left: Argument, right: Argument): boolean {
  const a = basicKind(left)
  const b = basicKind(right)
  if (a !== b) {
    if (left !== undefined && right !== undefined && areIntegers(a, b)) return left.data === right.data
    if (left !== undefined && right !== undefined) throw new GoError('incompatible types for comparison')
    return false
  }
  if (a === undefined) return equalsOther(left, right)
  if (left === undefined || right === undefined) return false
  if (a === 'string') return joinBytes(left.data as string) === joinBytes(right.data as string)
  if (a === 'complex') return equalsComplex(left, right)
  return left.data === right.data
}

function areIntegers(a: Basic | undefined, b: Basic | undefined): boolean {
  return (a === 'int' && b === 'uint') || (a === 'uint' && b === 'int')
}

function equalsComplex(left: GoValue, right: GoValue): boolean {
  const a = left.data as {re: number; im: number}
  const b = right.data as {re: number; im: number}
  return a.re === b.re && a.im === b.im
}

function equalsOther(left: Argument, right: Argument): boolean {
  if (left !== undefined && right !== undefined && left.type.kind !== right.type.kind) {
    throw new GoError(sprintf(`non-comparable types %s: ${left.type.text}, ${right.type.text}: %v`, [left, right]))
  }
  if (isNil(left) || isNil(right)) return isNil(left) === isNil(right)
  if (left === undefined || right === undefined) return false
  if (!isComparable(right.type)) throw new GoError(sprintf(`non-comparable type %s: ${right.type.text}`, [right]))
  return sameValue(left, right)
}

/** Go's `==` for two values of comparable types. */
function sameValue(left: Argument, right: Argument): boolean {
  if (left === undefined || right === undefined) return left === right
  if (left.type !== right.type) return false
  if (left.type.kind === 'struct' || left.type.kind === 'array') {
    const others = right.data as readonly Argument[]
    return (left.data as readonly Argument[]).every((part, i) => sameValue(part, others[i]))
  }
  if (left.type.kind === 'complex128') return equalsComplex(left, right)
  if (left.type.kind === 'interface') return sameValue(stored(left), stored(right))
  return left.data === right.data
}

/** Go's template function `lt a b`. */
export function isLess(first: Argument, second: Argument): boolean {
  const left = stored(first)
  const right = stored(second)
  const a = basicKind(left)
  const b = basicKind(right)
  if (a === undefined || b === undefined || left === undefined || right === undefined) {
    throw new GoError('invalid type for comparison')
  }
  if (a !== b && !areIntegers(a, b)) throw new GoError('incompatible types for comparison')
  if (a === 'bool' || a === 'complex') throw new GoError('invalid type for comparison')
  if (a === 'string') return compareText(left.data as string, right.data as string) < 0
  return (left.data as bigint | number) < (right.data as bigint | number)
}

/** Go's template function `le a b`. */
export function isLessOrEqual(first: Argument, second: Argument): boolean {
  return isLess(first, second) || equalsAny(first, [second])
}
