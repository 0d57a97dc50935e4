import {posix} from 'node:path'
import type {RE2JS} from 're2js'
import type {TemplateFunction} from '../../../gotemplate/builtin/functions.js'
import {makeBool, makeString, makeStrings} from '../../../gotemplate/value/values.js'
import {define, numberOf, textOf} from '../define.js'
import {compile, replaceAll} from '../regex.js'

type Entry = readonly [string, TemplateFunction]

/** Defines a function under its name and under the name with the prefix "must". */
const both = (name: string, fn: TemplateFunction): Entry[] => [
  [name, fn],
  [`must${name.slice(0, 1).toUpperCase()}${name.slice(1)}`, fn],
]

function findAll(pattern: RE2JS, text: string, most: number): {start: number; end: number}[] {
  const matcher = pattern.matcher(text)
  const found: {start: number; end: number}[] = []
  while ((most < 0 || found.length < most) && matcher.find()) found.push({start: matcher.start(), end: matcher.end()})
  return found
}

/** Go's `Regexp.Split`. */
function split(pattern: string, text: string, most: number): string[] {
  if (most === 0) return []
  if (pattern !== '' && text === '') return ['']
  const parts: string[] = []
  let from = 0
  for (const {start, end} of findAll(compile('regexSplit', pattern), text, most)) {
    if (most > 0 && parts.length === most - 1) break
    if (end === 0) continue
    parts.push(text.slice(from, start))
    from = end
  }
  if (from !== text.length) parts.push(text.slice(from))
  else if (findAll(compile('regexSplit', pattern), text, -1).some(({start, end}) => start < end)) parts.push('')
  return parts
}

const path = (name: string, make: (text: string) => string): Entry => [
  name,
  define('string', 'string', text => makeString(make(textOf(text)))),
]

/** Go's `path.Clean`. */
const clean = (text: string): string => {
  const normal = posix.normalize(text === '' ? '.' : text)
  return normal.length > 1 ? normal.replace(/\/$/, '') : normal
}
const base = (text: string): string => (text === '' ? '.' : /^\/+$/.test(text) ? '/' : posix.basename(text))
const dir = (text: string): string => clean(text.slice(0, text.lastIndexOf('/') + 1))
const ext = (text: string): string => /\.[^./]*$/.exec(text)?.[0] ?? ''

/** sprig's functions for regular expressions and paths. */
export const sprigPatterns: readonly Entry[] = [
  ...both(
    'regexMatch',
    define('string string', 'bool', (pattern, text) =>
      makeBool(compile('regexMatch', textOf(pattern)).matcher(textOf(text)).find()),
    ),
  ),
  ...both(
    'regexFind',
    define('string string', 'string', (pattern, text) => {
      const [first] = findAll(compile('regexFind', textOf(pattern)), textOf(text), 1)
      return makeString(first === undefined ? '' : textOf(text).slice(first.start, first.end))
    }),
  ),
  ...both(
    'regexFindAll',
    define('string string int', 'strings', (pattern, text, most) =>
      makeStrings(
        findAll(compile('regexFindAll', textOf(pattern)), textOf(text), numberOf(most)).map(({start, end}) =>
          textOf(text).slice(start, end),
        ),
      ),
    ),
  ),
  ...both(
    'regexReplaceAll',
    define('string string string', 'string', (pattern, text, replacement) =>
      makeString(replaceAll(textOf(pattern), textOf(replacement), textOf(text))),
    ),
  ),
  ...both(
    'regexReplaceAllLiteral',
    define('string string string', 'string', (pattern, text, replacement) =>
      makeString(replaceAll(textOf(pattern), textOf(replacement).replaceAll('$', '$$$$'), textOf(text))),
    ),
  ),
  ...both(
    'regexSplit',
    define('string string int', 'strings', (pattern, text, most) =>
      makeStrings(split(textOf(pattern), textOf(text), numberOf(most))),
    ),
  ),
  path('regexQuoteMeta', text => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
  path('base', base),
  path('dir', dir),
  path('clean', clean),
  path('ext', ext),
  ['isAbs', define('string', 'bool', text => makeBool(textOf(text).startsWith('/')))],
  path('osBase', base),
  path('osDir', dir),
  path('osClean', clean),
  path('osExt', ext),
  ['osIsAbs', define('string', 'bool', text => makeBool(textOf(text).startsWith('/')))],
]
