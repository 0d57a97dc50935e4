import type {TemplateFunction} from '../../../gotemplate/builtin/functions.js'
import {compareText} from '../../../gotemplate/value/text.js'
import {type Argument, intType, sliceType} from '../../../gotemplate/value/types.js'
import {GoError, makeBool, makeInt, makeString, makeStrings, stored} from '../../../gotemplate/value/values.js'
import {define, numberOf, textOf} from '../define.js'
import {isEmpty, listOf, listType, makeList, toInt, toText} from './convert.js'
import {deepEqual} from './values.js'

type Entry = readonly [string, TemplateFunction]

const mostElements = 1_000_000
/** Maximum number of different elements that are compared pair by pair. */
const mostCompared = 10_000

/** Defines a function under its name and under the name with the prefix "must". Both behave in the same way here. */
function both(name: string, fn: TemplateFunction): Entry[] {
  return [
    [name, fn],
    [`must${name.slice(0, 1).toUpperCase()}${name.slice(1)}`, fn],
  ]
}

const onList = (name: string, make: (list: Argument[]) => Argument): Entry[] =>
  both(
    name,
    define('any', 'any', list => make(listOf(name, list))),
  )

function numbers(start: number, stop: number, step: number): Argument {
  const found: Argument[] = []
  if (step === 0 || (stop - start) / step > mostElements) throw new GoError('more than a million elements')
  for (let at = start; step > 0 ? at < stop : at > stop; at += step) found.push(makeInt(at))
  return {type: sliceType(intType), data: found}
}

function sliced(list: Argument, ...bounds: Argument[]): Argument {
  const elements = listOf('slice', list)
  const [from = 0, to = elements.length] = bounds.map(bound => Number(toInt(bound)))
  if (from < 0 || to > elements.length || from > to) {
    throw new GoError(`runtime error: slice bounds out of range [${from}:${to}]`)
  }
  return makeList(elements.slice(from, to))
}

function uniq(list: Argument[]): Argument {
  const kept: Argument[] = []
  const plain = new Set<string>()
  const others: Argument[] = []
  for (const element of list) {
    const data = element?.data
    if (element !== undefined && (typeof data === 'string' || typeof data === 'bigint')) {
      const id = `${element.type.text} ${data}`
      if (plain.has(id)) continue
      plain.add(id)
    } else {
      if (others.some(one => deepEqual(one, element))) continue
      if (others.length >= mostCompared) throw new GoError(`uniq: more than ${mostCompared} different elements`)
      others.push(element)
    }
    kept.push(element)
  }
  return makeList(kept)
}

function chunk(size: number, list: Argument[]): Argument {
  if (size <= 0) throw new GoError('chunk: the size must be positive')
  const chunks: Argument[] = []
  for (let at = 0; at < list.length; at += size) chunks.push(makeList(list.slice(at, at + size)))
  return {type: sliceType(listType), data: chunks}
}

/** sprig's `strslice`: converts the elements of a list, or a single value, to strings. */
function toTexts(value: Argument): string[] {
  const held = stored(value)
  if (held === undefined) return []
  if (held.type.kind !== 'slice' && held.type.kind !== 'array') return [toText(held)]
  return listOf('strings', held)
    .filter(one => one !== undefined)
    .map(toText)
}

const without = (list: Argument, ...dropped: Argument[]): Argument =>
  makeList(listOf('without', list).filter(one => !dropped.some(other => deepEqual(one, stored(other)))))

/** sprig's functions for lists. */
export const sprigLists: readonly Entry[] = [
  ['list', define('any...', listType, (...all) => makeList(all))],
  ['tuple', define('any...', listType, (...all) => makeList(all))],
  ...onList('first', list => list[0]),
  ...onList('last', list => list.at(-1)),
  ...onList('rest', list => (list.length === 0 ? undefined : makeList(list.slice(1)))),
  ...onList('initial', list => (list.length === 0 ? undefined : makeList(list.slice(0, -1)))),
  ...onList('reverse', list => makeList(list.toReversed())),
  ...onList('uniq', uniq),
  ...onList('compact', list => makeList(list.filter(one => !isEmpty(one)))),
  ...both(
    'append',
    define('any any', 'any', (list, one) => makeList([...listOf('append', list), one])),
  ),
  ...both(
    'push',
    define('any any', 'any', (list, one) => makeList([...listOf('push', list), one])),
  ),
  ...both(
    'prepend',
    define('any any', 'any', (list, one) => makeList([one, ...listOf('prepend', list)])),
  ),
  ...both('without', define('any any...', 'any', without)),
  ...both(
    'has',
    define('any any', 'bool', (wanted, list) =>
      makeBool(stored(list) !== undefined && listOf('has', list).some(one => deepEqual(one, stored(wanted)))),
    ),
  ),
  ...both('slice', define('any any...', 'any', sliced)),
  ...both(
    'chunk',
    define('int any', sliceType(listType), (size, list) => chunk(numberOf(size), listOf('chunk', list))),
  ),
  ['concat', define('any...', 'any', (...lists) => makeList(lists.flatMap(list => listOf('concat', list))))],
  ['join', define('string any', 'string', (separator, list) => makeString(toTexts(list).join(textOf(separator))))],
  ['sortAlpha', define('any', 'strings', list => makeStrings(toTexts(list).toSorted(compareText)))],
  ['toStrings', define('any', 'strings', list => makeStrings(toTexts(list)))],
  ['until', define('int', sliceType(intType), count => numbers(0, numberOf(count), numberOf(count) < 0 ? -1 : 1))],
  [
    'untilStep',
    define('int int int', sliceType(intType), (start, stop, step) =>
      numbers(numberOf(start), numberOf(stop), numberOf(step)),
    ),
  ],
]
