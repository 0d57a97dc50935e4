import type {TemplateFunction} from '../../../gotemplate/builtin/functions.js'
import {compareText} from '../../../gotemplate/value/text.js'
import {type Argument, type GoValue, int64Type, intType} from '../../../gotemplate/value/types.js'
import {
  elementsOf,
  entriesOf,
  GoError,
  isNil,
  makeBool,
  makeFloat,
  makeInt,
  makeSlice,
  makeString,
  makeStrings,
  mapKey,
  stored,
} from '../../../gotemplate/value/values.js'
import {define, entriesByName, numberOf, textOf} from '../define.js'
import {writeJson} from '../json.js'
import {mapOf, mergeMaps} from '../lists.js'
import {parseJson} from '../parse.js'
import {isEmpty, listType, toFloat, toInt, toText} from './convert.js'

type Entry = readonly [string, TemplateFunction]

/** Go's `reflect.DeepEqual`. */
export function deepEqual(a: Argument, b: Argument): boolean {
  if (a === undefined || b === undefined) return a === b
  if (a.type !== b.type) return false
  if (Array.isArray(a.data) && Array.isArray(b.data)) {
    const [left, right] = [elementsOf(a), elementsOf(b)]
    return left.length === right.length && left.every((one, i) => deepEqual(stored(one), stored(right[i])))
  }
  if (a.type.kind === 'map' && !isNil(a) && !isNil(b)) {
    const [left, right] = [entriesOf(a), entriesOf(b)]
    return (
      left.size === right.size &&
      [...left].every(([key, {value}]) => right.has(key) && deepEqual(stored(value), stored(right.get(key)?.value)))
    )
  }
  if (a.type.kind === 'pointer' && !isNil(a) && !isNil(b)) return deepEqual(a.data as GoValue, b.data as GoValue)
  return a.data === b.data
}

/**
 * Makes a map from alternating names and values. If the last name has no value, its value is the empty
 * string.
 */
function dict(...parts: Argument[]): Argument {
  const entries: [string, Argument][] = []
  for (let at = 0; at < parts.length; at += 2) {
    entries.push([toText(parts[at]), at + 1 < parts.length ? parts[at + 1] : makeString('')])
  }
  return mapOf(entries)
}

/** Changes a map in place, as sprig does, and returns the map. */
function set(map: Argument, name: Argument, value: Argument): Argument {
  const held = stored(map)
  if (held === undefined || isNil(held)) throw new GoError('assignment to entry in nil map')
  const key = makeString(textOf(name))
  entriesOf(held).set(mapKey(key), {key, value: stored(value)})
  return map
}

function unset(map: Argument, name: Argument): Argument {
  const held = stored(map)
  if (held !== undefined) entriesOf(held).delete(mapKey(makeString(textOf(name))))
  return map
}

const find = (map: Argument, name: string): Argument | 'none' => {
  const held = stored(map)
  const entry = held === undefined ? undefined : entriesOf(held).get(mapKey(makeString(name)))
  return entry === undefined ? 'none' : entry.value
}

function pluck(name: Argument, ...maps: Argument[]): Argument {
  const found = maps.map(map => find(map, textOf(name))).filter((one): one is Argument => one !== 'none')
  return makeSlice(listType.elem ?? intType, found)
}

const names = (maps: Argument[]): string[] => maps.flatMap(map => entriesByName(map).map(([name]) => name))

const picked = (map: Argument, wanted: Argument[], isKept: boolean): Argument => {
  const chosen = new Set(wanted.map(textOf))
  return mapOf(entriesByName(map).filter(([name]) => chosen.has(name) === isKept))
}

/**
 * Merges maps into the first one. Existing entries of the first map are kept unless `isOverwriting`
 * is true.
 */
function merge(isOverwriting: boolean, [into, ...others]: Argument[]): Argument {
  return others.reduce((all, other) => mergeMaps(all, other, isOverwriting), into)
}

function round(value: Argument, places: Argument, half: Argument): Argument {
  const threshold = half === undefined ? 0.5 : toFloat(half)
  const power = 10 ** numberOf(places)
  const digit = power * toFloat(value)
  const div = digit - Math.trunc(digit)
  return makeFloat((div >= threshold ? Math.ceil(digit) : Math.floor(digit)) / power)
}

const json = (indent: string, escapeHtml: boolean): TemplateFunction =>
  define('any', 'string', value => makeString(writeJson(value, {indent, escapeHtml})))

const whole = (make: (...numbers: bigint[]) => bigint, takes = 'any any'): TemplateFunction =>
  define(takes, 'int64', (...args) => makeInt(make(...args.map(toInt)), int64Type))

function notZero(divisor: bigint): bigint {
  if (divisor === 0n) throw new GoError('runtime error: integer divide by zero')
  return divisor
}

const largest = (numbers: bigint[]): bigint => numbers.reduce((a, b) => (b > a ? b : a))
const smallest = (numbers: bigint[]): bigint => numbers.reduce((a, b) => (b < a ? b : a))
const kindOf = (value: Argument): string => {
  const kind = stored(value)?.type.kind ?? 'invalid'
  return kind === 'pointer' ? 'ptr' : kind
}
const typeOf = (value: Argument): string => stored(value)?.type.text ?? '<nil>'

const numberFunctions: readonly Entry[] = [
  ['add', whole((...all) => all.reduce((a, b) => a + b, 0n), 'any...')],
  ['add1', whole((a = 0n) => a + 1n, 'any')],
  ['sub', whole((a = 0n, b = 0n) => a - b)],
  ['mul', whole((...all) => all.reduce((a, b) => a * b), 'any any...')],
  ['div', whole((a = 0n, b = 0n) => a / notZero(b))],
  ['mod', whole((a = 0n, b = 0n) => a % notZero(b))],
  ['max', whole((...all) => largest(all), 'any any...')],
  ['biggest', whole((...all) => largest(all), 'any any...')],
  ['min', whole((...all) => smallest(all), 'any any...')],
  ['maxf', define('any any...', 'float', (...all) => makeFloat(Math.max(...all.map(toFloat))))],
  ['minf', define('any any...', 'float', (...all) => makeFloat(Math.min(...all.map(toFloat))))],
  ['ceil', define('any', 'float', value => makeFloat(Math.ceil(toFloat(value))))],
  ['floor', define('any', 'float', value => makeFloat(Math.floor(toFloat(value))))],
  ['round', define('any int any...', 'float', round)],
  ['int', define('any', 'int', value => makeInt(toInt(value)))],
  ['int64', define('any', 'int64', value => makeInt(toInt(value), int64Type))],
  ['float64', define('any', 'float', value => makeFloat(toFloat(value)))],
]

const mapFunctions: readonly Entry[] = [
  ['dict', define('any...', 'map', dict)],
  [
    'get',
    define('map string', 'any', (map, name) => {
      const found = find(map, textOf(name))
      return found === 'none' ? makeString('') : found
    }),
  ],
  ['set', define('map string any', 'map', set)],
  ['unset', define('map string', 'map', unset)],
  ['hasKey', define('map string', 'bool', (map, name) => makeBool(find(map, textOf(name)) !== 'none'))],
  ['pluck', define('string map...', listType, pluck)],
  // Go returns keys and values in random order; here they are sorted by key.
  ['keys', define('map...', 'strings', (...maps) => makeStrings(names(maps).sort(compareText)))],
  [
    'values',
    define('map', listType, map =>
      makeSlice(
        listType.elem ?? intType,
        entriesByName(map)
          .sort(([a], [b]) => compareText(a, b))
          .map(([, value]) => value),
      ),
    ),
  ],
  ['pick', define('map string...', 'map', (map, ...wanted) => picked(map, wanted, true))],
  ['omit', define('map string...', 'map', (map, ...wanted) => picked(map, wanted, false))],
  ['merge', define('map map...', 'any', (...maps) => merge(false, maps))],
  ['mustMerge', define('map map...', 'any', (...maps) => merge(false, maps))],
  ['mergeOverwrite', define('map map...', 'any', (...maps) => merge(true, maps))],
  ['mustMergeOverwrite', define('map map...', 'any', (...maps) => merge(true, maps))],
]

/** sprig's functions for numbers, maps and values of any type. */
export const sprigValues: readonly Entry[] = [
  ...numberFunctions,
  ...mapFunctions,
  ['default', define('any any...', 'any', (fallback, given) => (isEmpty(given) ? fallback : given))],
  ['empty', define('any', 'bool', value => makeBool(isEmpty(value)))],
  ['coalesce', define('any...', 'any', (...all) => all.find(one => !isEmpty(one)))],
  ['all', define('any...', 'bool', (...all) => makeBool(all.every(one => !isEmpty(one))))],
  ['any', define('any...', 'bool', (...all) => makeBool(all.some(one => !isEmpty(one))))],
  ['ternary', define('any any bool', 'any', (yes, no, test) => (stored(test)?.data === true ? yes : no))],
  ['kindOf', define('any', 'string', value => makeString(kindOf(value)))],
  ['kindIs', define('string any', 'bool', (kind, value) => makeBool(kindOf(value) === textOf(kind)))],
  ['typeOf', define('any', 'string', value => makeString(typeOf(value)))],
  ['typeIs', define('string any', 'bool', (type, value) => makeBool(typeOf(value) === textOf(type)))],
  [
    'typeIsLike',
    define('string any', 'bool', (type, value) => makeBool([textOf(type), `*${textOf(type)}`].includes(typeOf(value)))),
  ],
  ['deepEqual', define('any any', 'bool', (a, b) => makeBool(deepEqual(stored(a), stored(b))))],
  ['toJson', json('', true)],
  ['mustToJson', json('', true)],
  ['toPrettyJson', json('  ', true)],
  ['mustToPrettyJson', json('  ', true)],
  ['toRawJson', json('', false)],
  ['mustToRawJson', json('', false)],
  ['fromJson', define('string', 'any', text => parseJson(textOf(text)))],
  ['mustFromJson', define('string', 'any', text => parseJson(textOf(text)))],
  [
    'fail',
    define('string', 'string', message => {
      throw new GoError(textOf(message))
    }),
  ],
]
