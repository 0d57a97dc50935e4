import type {TemplateFunction} from '../../gotemplate/builtin/functions.js'
import {show} from '../../gotemplate/format/printer.js'
import {quote} from '../../gotemplate/format/quote.js'
import {type Argument, type GoValue, int64Type, isSigned, isUnsigned, uint64Type} from '../../gotemplate/value/types.js'
import {GoError, makeFloat, makeInt, stored} from '../../gotemplate/value/values.js'
import {define} from './define.js'

interface Operation {
  readonly name: string
  whole(a: bigint, b: bigint): bigint
  real(a: number, b: number): number
}

/**
 * The operands are swapped, so that `5 | subtract 2` is 3. The result of two integers is an integer; if either is a
 * float, the result is a float.
 */
function operate(operation: Operation, second: Argument, first: Argument): GoValue {
  const a = operand(operation, first)
  const b = operand(operation, second)
  if (typeof a.data === 'number' || typeof b.data === 'number') {
    return makeFloat(operation.real(Number(a.data), Number(b.data)))
  }
  const type = isUnsigned(a.type.kind) && isUnsigned(b.type.kind) ? uint64Type : int64Type
  return makeInt(operation.whole(a.data as bigint, b.data as bigint), type)
}

function operand({name}: Operation, given: Argument): GoValue {
  const value = stored(given)
  const kind = value?.type.kind
  if (value === undefined || !(isSigned(kind) || isUnsigned(kind) || kind === 'float64' || kind === 'float32')) {
    throw new GoError(`${name}: unknown type for ${quote(show(value))} (${value?.type.text ?? '<nil>'})`)
  }
  return value
}

function divided(name: string, a: bigint, b: bigint): bigint {
  if (b === 0n) throw new GoError(`runtime error: integer divide by zero`)
  return name === 'divide' ? a / b : a % b
}

const operations: readonly Operation[] = [
  {name: 'add', whole: (a, b) => a + b, real: (a, b) => a + b},
  {name: 'subtract', whole: (a, b) => a - b, real: (a, b) => a - b},
  {name: 'multiply', whole: (a, b) => a * b, real: (a, b) => a * b},
  {name: 'divide', whole: (a, b) => divided('divide', a, b), real: (a, b) => a / b},
  {name: 'minimum', whole: (a, b) => (a < b ? a : b), real: Math.min},
  {name: 'maximum', whole: (a, b) => (a > b ? a : b), real: Math.max},
]

function modulo(second: Argument, first: Argument): GoValue {
  const operation: Operation = {name: 'modulo', whole: (a, b) => divided('modulo', a, b), real: () => Number.NaN}
  for (const given of [first, second]) {
    const {type, data} = operand(operation, given)
    if (typeof data !== 'bigint') {
      throw new GoError(`modulo: unknown type for ${quote(show(given))} (${type.text})`)
    }
  }
  return operate(operation, second, first)
}

/** Arithmetic on numbers. */
export const mathFunctions: readonly (readonly [string, TemplateFunction])[] = [
  ...operations.map(
    operation => [operation.name, define('any any', 'any', (b, a) => operate(operation, b, a))] as const,
  ),
  ['modulo', define('any any', 'any', modulo)],
]
