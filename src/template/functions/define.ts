import type {TemplateFunction} from '../../gotemplate/builtin/functions.js'
import {
  type Argument,
  anyType,
  boolType,
  float64Type,
  type GoType,
  int64Type,
  intType,
  mapType,
  sliceType,
  stringType,
} from '../../gotemplate/value/types.js'
import {type Call, elementsOf, entriesOf, stored} from '../../gotemplate/value/values.js'

/** Names of types in the signatures that `define` reads. */
const typesByWord = {
  any: anyType,
  bool: boolType,
  float: float64Type,
  int: intType,
  int64: int64Type,
  string: stringType,
  strings: sliceType(stringType),
  list: sliceType(anyType),
  map: mapType(stringType, anyType),
} as const

export type TypeWord = keyof typeof typesByWord

/**
 * Defines a function from a signature: `'string string...'` takes one string, followed by any number of
 * strings.
 */
export function define(takes: string, gives: TypeWord | GoType, call: Call): TemplateFunction {
  const words = takes.split(' ').filter(word => word !== '')
  const types = words.map(word => typesByWord[word.replace('...', '') as TypeWord])
  const out = typeof gives === 'string' ? typesByWord[gives] : gives
  return {in: types, variadic: takes.endsWith('...'), out, call}
}

/** Returns the content of a string argument. */
export function textOf(value: Argument): string {
  return (stored(value)?.data ?? '') as string
}

/** Returns the value of an integer argument. */
export function numberOf(value: Argument): number {
  return Number(stored(value)?.data ?? 0n)
}

/** Returns the elements of a list of strings. */
export function textsOf(value: Argument): string[] {
  const list = stored(value)
  return list === undefined ? [] : elementsOf(list).map(textOf)
}

/** Returns the entries of a map whose keys are strings. */
export function entriesByName(value: Argument): [string, Argument][] {
  const map = stored(value)
  return map === undefined ? [] : [...entriesOf(map).values()].map(entry => [textOf(entry.key), entry.value])
}
