import type {TemplateFunction} from '../../gotemplate/builtin/functions.js'
import {type Argument, anyType, int64Type, uint64Type} from '../../gotemplate/value/types.js'
import {fromJson, GoError, makeBool, makeFloat, makeInt, makeMap} from '../../gotemplate/value/values.js'
import {define, textOf} from './define.js'
import {unreadable} from './text.js'

const truths = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const falsehoods = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False', ''])

function parseBool(value: string): boolean {
  if (truths.has(value)) return true
  if (falsehoods.has(value)) return false
  throw new GoError(`parseBool: ${unreadable('ParseBool', value)}`)
}

function parseFloat64(value: string): number {
  if (value === '') return 0
  const special = /^([+-]?)(?:inf|infinity|nan)$/i.exec(value)
  if (special) {
    if (/nan/i.test(value)) return Number.NaN
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  }
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) {
    throw new GoError(`parseFloat: ${unreadable('ParseFloat', value)}`)
  }
  const parsed = Number(value)
  if (!Number.isFinite(parsed))
    throw new GoError(`parseFloat: ${unreadable('ParseFloat', value, 'value out of range')}`)
  return parsed
}

function parseWhole(name: 'parseInt' | 'parseUint', value: string): bigint {
  if (value === '') return 0n
  const parser = name === 'parseInt' ? 'ParseInt' : 'ParseUint'
  const pattern = name === 'parseInt' ? /^[+-]?\d+$/ : /^\d+$/
  if (!pattern.test(value)) throw new GoError(`${name}: ${unreadable(parser, value)}`)
  const parsed = BigInt(value.replace('+', ''))
  const fits = name === 'parseInt' ? BigInt.asIntN(64, parsed) === parsed : BigInt.asUintN(64, parsed) === parsed
  if (!fits) throw new GoError(`${name}: ${unreadable(parser, value, 'value out of range')}`)
  return parsed
}

/** Parses JSON into the types that Go's `encoding/json` produces, in which numbers are float64. */
export function parseJson(value: string): Argument {
  if (value === '') return makeMap(anyType, [])
  try {
    return fromJson(JSON.parse(value))
  } catch (error) {
    throw new GoError(`parseJSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Functions that parse a string. For the empty string, they return false, 0 or an empty map. */
export const parseFunctions: readonly (readonly [string, TemplateFunction])[] = [
  ['parseBool', define('string', 'bool', value => makeBool(parseBool(textOf(value))))],
  ['parseFloat', define('string', 'float', value => makeFloat(parseFloat64(textOf(value))))],
  ['parseInt', define('string', 'int64', value => makeInt(parseWhole('parseInt', textOf(value)), int64Type))],
  ['parseUint', define('string', uint64Type, value => makeInt(parseWhole('parseUint', textOf(value)), uint64Type))],
  ['parseJSON', define('string', 'any', value => parseJson(textOf(value)))],
]
