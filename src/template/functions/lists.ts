import {indirect} from '../../gotemplate/builtin/access.js'
import type {TemplateFunction} from '../../gotemplate/builtin/functions.js'
import {
  type Argument,
  anyType,
  type GoValue,
  int64Type,
  isSigned,
  isUnsigned,
  sliceType,
  stringType,
} from '../../gotemplate/value/types.js'
import {
  asElement,
  elementsOf,
  entriesOf,
  GoError,
  type MapData,
  makeBool,
  makeInt,
  mapKey,
  stored,
} from '../../gotemplate/value/values.js'
import {define, entriesByName, numberOf, textOf} from './define.js'

/** consul-template's `in`: true if a list has the element, or a string contains the substring. */
function isIn(list: Argument, wanted: Argument): boolean {
  const holder = indirect(list).value
  const value = indirect(wanted).value
  if (holder === undefined || value === undefined) return false
  if (holder.type.kind === 'string') {
    return value.type.kind === 'string' && textOf(holder).includes(textOf(value))
  }
  if (holder.type.kind !== 'slice' && holder.type.kind !== 'array') return false
  return elementsOf(holder).some(element => isSame(indirect(element).value, value))
}

function isSame(element: Argument, value: GoValue): boolean {
  if (element === undefined) return false
  const a = element.type.kind
  const b = value.type.kind
  if (a === 'string') return element.type === value.type && element.data === value.data
  if (isSigned(a)) return isSigned(b) && element.data === value.data
  if (isUnsigned(a)) return isUnsigned(b) && element.data === value.data
  return (a === 'float64' || a === 'float32') && a === b && element.data === value.data
}

/** For each wanted element, returns whether the list contains it. */
function containsEach(name: string, wanted: Argument, list: Argument): boolean[] {
  const asked = stored(wanted)
  if (asked === undefined || (asked.type.kind !== 'slice' && asked.type.kind !== 'array')) {
    throw new GoError(`${name}: wrong type for list; expected slice or array`)
  }
  return elementsOf(asked).map(element => isIn(list, asElement(asked.type.elem ?? anyType, element)))
}

const containing = (name: string, judge: (found: boolean[]) => boolean): readonly [string, TemplateFunction] => [
  name,
  define('any any', 'bool', (wanted, list) => makeBool(judge(containsEach(name, wanted, list)))),
]

/**
 * The numbers of `loop`: from the first argument up to, but not including, the second. With one argument, from 0 up to,
 * but not including, this argument.
 */
function loop(...bounds: Argument[]): GoValue {
  if (bounds.length < 1 || bounds.length > 2) {
    throw new GoError(`loop: wrong number of arguments, expected 1 or 2, but got ${bounds.length}`)
  }
  const [first, second] = bounds.map(numberOf)
  const from = second === undefined ? 0 : (first ?? 0)
  const to = second ?? first ?? 0
  if (to - from > 1_000_000) throw new GoError('loop: more than a million passes')
  const numbers = Array.from({length: Math.max(to - from, 0)}, (_, i) => makeInt(from + i, int64Type))
  return {type: sliceType(int64Type), data: numbers}
}

/** Merges two maps, and recursively the maps within them. */
export function mergeMaps(into: Argument, from: Argument, override: boolean): Argument {
  const merged = new Map<string, Argument>()
  for (const [name, value] of entriesByName(into)) merged.set(name, value)
  for (const [name, value] of entriesByName(from)) {
    const before = merged.get(name)
    const bothMaps = before?.type.kind === 'map' && value?.type.kind === 'map'
    if (bothMaps) merged.set(name, mergeMaps(before, value, override))
    else if (before === undefined || override) merged.set(name, value)
  }
  return mapOf(merged)
}

/** Returns a `map[string]interface {}` with these entries. */
export function mapOf(entries: Iterable<readonly [string, Argument]>): GoValue {
  const data: MapData = new Map()
  for (const [name, value] of entries) {
    const key: GoValue = {type: stringType, data: name}
    data.set(mapKey(key), {key, value: stored(value)})
  }
  return {type: entriesByNameType, data}
}

const entriesByNameType = define('map', 'bool', () => undefined).in[0] ?? anyType

/** Builds nested maps from names with slashes: the value of `a/b` becomes entry `b` of map `a`. */
export function explode(entries: readonly (readonly [string, Argument])[]): GoValue {
  const root = mapOf([])
  for (const [path, value] of entries) explodeOne(root, path, value)
  return root
}

function explodeOne(root: GoValue, path: string, value: Argument): void {
  const parts = path.replace(/^\/+|\/+$/g, '').split('/')
  const last = parts.pop() ?? ''
  let at = root
  for (const part of parts) {
    const key: GoValue = {type: stringType, data: part}
    const held = entriesOf(at).get(mapKey(key))?.value
    if (held !== undefined && held.type.kind !== 'map') {
      throw new GoError(`explode: key "${part}" has a value and keys below it`)
    }
    const next = held ?? mapOf([])
    if (held === undefined) entriesOf(at).set(mapKey(key), {key, value: next})
    at = next
  }
  const key: GoValue = {type: stringType, data: last}
  if (!entriesOf(at).has(mapKey(key))) entriesOf(at).set(mapKey(key), {key, value: stored(value)})
}

/** Functions on lists and maps. */
export const listFunctions: readonly (readonly [string, TemplateFunction])[] = [
  ['in', define('any any', 'bool', (list, value) => makeBool(isIn(list, value)))],
  ['contains', define('any any', 'bool', (value, list) => makeBool(isIn(list, value)))],
  containing('containsAll', found => found.every(Boolean)),
  containing('containsAny', found => found.some(Boolean)),
  containing('containsNone', found => !found.some(Boolean)),
  containing('containsNotAll', found => !found.every(Boolean)),
  ['loop', define('int64...', sliceType(int64Type), loop)],
  ['explodeMap', define('map', 'map', map => explode(entriesByName(map).sort(([a], [b]) => (a < b ? -1 : 1))))],
  ['mergeMap', define('map map', 'map', (into, from) => mergeMaps(into, from, false))],
  ['mergeMapWithOverride', define('map map', 'map', (into, from) => mergeMaps(into, from, true))],
]
