import type {TemplateFunction} from '../../gotemplate/builtin/functions.js'
import {quote} from '../../gotemplate/format/quote.js'
import {decodeText, encodeText} from '../../gotemplate/value/text.js'
import {stringType} from '../../gotemplate/value/types.js'
import {type Call, GoError, makeMap, makeString, makeStrings} from '../../gotemplate/value/values.js'
import {define, numberOf, textOf, textsOf} from './define.js'

const text = (takes: string, make: (...args: string[]) => string): TemplateFunction =>
  define(takes, 'string', (...args) => makeString(make(...args.map(textOf))))

const spaces = '[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*'
const atEnds = new RegExp(`^${spaces}|${spaces}$`, 'g')

/** Go's `strings.TrimSpace`. */
export function trimSpace(value: string): string {
  return value.replace(atEnds, '')
}

/** Go's `strings.Trim`. */
export function trim(cut: string, value: string): string {
  const characters = new Set(Array.from(cut))
  const all = Array.from(value)
  let from = 0
  let to = all.length
  while (from < to && characters.has(all[from] ?? '')) from += 1
  while (to > from && characters.has(all[to - 1] ?? '')) to -= 1
  return all.slice(from, to).join('')
}

/**
 * Go's `strings.ToUpper`, which converts each character separately, so that `ß` does not change.
 */
export const goUpper = (value: string): string => mapCharacters(value, one => one.toUpperCase())

/** Go's `strings.ToLower`. */
export const goLower = (value: string): string => mapCharacters(value, one => one.toLowerCase())

function mapCharacters(value: string, map: (character: string) => string): string {
  return Array.from(value, one => {
    const mapped = map(one)
    return Array.from(mapped).length === 1 ? mapped : one
  }).join('')
}

/** Go's `strings.Title`: the first letter of each word in upper case. */
export function title(value: string): string {
  return value.replace(/(?<![\p{L}\p{Nd}_'])\p{L}/gu, goUpper)
}

function split(separator: string, value: string): string[] {
  const trimmed = trimSpace(value)
  if (trimmed === '') return []
  return separator === '' ? Array.from(trimmed) : trimmed.split(separator)
}

const indent: Call = (count, value) => {
  const width = numberOf(count)
  const lines = textOf(value)
  if (width < 0) throw new GoError('indent value must be a positive integer')
  if (width * (lines.length + 1) > 16_000_000) throw new GoError('the indented text is too long')
  // Empty lines are not indented.
  return makeString(lines.replace(/^(?!$)/gm, ' '.repeat(width)))
}

function splitToMap(betweenEntries: string, betweenNameAndValue: string, value: string): [string, string][] {
  return split(betweenEntries, value).flatMap((entry): [string, string][] => {
    const at = entry.indexOf(betweenNameAndValue)
    return at < 0 ? [] : [[entry.slice(0, at), entry.slice(at + betweenNameAndValue.length)]]
  })
}

/** Decodes base 64 as Go does: ignores line breaks and rejects any other invalid character. */
function decodeBase64(name: string, value: string, url: boolean): string {
  const plain = value.replace(/[\r\n]/g, '')
  const alphabet = url ? /^[A-Za-z0-9\-_]*={0,2}$/ : /^[A-Za-z0-9+/]*={0,2}$/
  if (!alphabet.test(plain) || plain.length % 4 !== 0) {
    const at = plain.search(url ? /[^A-Za-z0-9\-_]/ : /[^A-Za-z0-9+/]/)
    throw new GoError(`${name}: illegal base64 data at input byte ${at < 0 ? plain.length - (plain.length % 4) : at}`)
  }
  return decodeText(Buffer.from(plain, url ? 'base64url' : 'base64'))
}

const toBase64 = (value: string): string => Buffer.from(encodeText(value)).toString('base64')

/** Functions that take and return strings. */
export const textFunctions: readonly (readonly [string, TemplateFunction])[] = [
  ['toLower', text('string', value => goLower(value))],
  ['toUpper', text('string', value => goUpper(value))],
  ['toTitle', text('string', title)],
  ['trim', text('string string', trim)],
  ['trimSpace', text('string', trimSpace)],
  [
    'trimPrefix',
    text('string string', (prefix, value) => (value.startsWith(prefix) ? value.slice(prefix.length) : value)),
  ],
  [
    'trimSuffix',
    text('string string', (suffix, value) =>
      suffix !== '' && value.endsWith(suffix) ? value.slice(0, -suffix.length) : value,
    ),
  ],
  ['replaceAll', text('string string string', (from, to, value) => value.replaceAll(from, () => to))],
  ['indent', define('int string', 'string', indent)],
  ['join', define('string strings', 'string', (separator, list) => makeString(textsOf(list).join(textOf(separator))))],
  [
    'split',
    define('string string', 'strings', (separator, value) => makeStrings(split(textOf(separator), textOf(value)))),
  ],
  [
    'splitToMap',
    define('string string string', 'any', (between, colon, value) =>
      makeMap(
        stringType,
        splitToMap(textOf(between), textOf(colon), textOf(value)).map(
          ([name, held]) => [name, makeString(held)] as const,
        ),
      ),
    ),
  ],
  ['base64Encode', text('string', toBase64)],
  ['base64Decode', text('string', value => decodeBase64('base64Decode', value, false))],
  ['base64URLEncode', text('string', value => toBase64(value).replaceAll('+', '-').replaceAll('/', '_'))],
  ['base64URLDecode', text('string', value => decodeBase64('base64URLDecode', value, true))],
  ['sha256Hex', text('string', value => hash('sha256', value))],
  ['md5sum', text('string', value => hash('md5', value))],
  [
    'hmacSHA256Hex',
    text('string string', (message, key) =>
      process
        .getBuiltinModule('node:crypto')
        .createHmac('sha256', encodeText(key))
        .update(encodeText(message))
        .digest('hex'),
    ),
  ],
]

function hash(algorithm: string, value: string): string {
  return process.getBuiltinModule('node:crypto').createHash(algorithm).update(encodeText(value)).digest('hex')
}

/** The error of Go's strconv for a string that it cannot parse. */
export function unreadable(parser: string, value: string, why = 'invalid syntax'): string {
  return `strconv.${parser}: parsing ${quote(value)}: ${why}`
}
