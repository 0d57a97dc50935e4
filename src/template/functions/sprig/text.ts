import {createHash} from 'node:crypto'
import type {TemplateFunction} from '../../../gotemplate/builtin/functions.js'
import {quote} from '../../../gotemplate/format/quote.js'
import {byteLength, decodeText, encodeText, sliceBytes} from '../../../gotemplate/value/text.js'
import {type Argument, mapType, stringType} from '../../../gotemplate/value/types.js'
import {GoError, makeBool, makeInt, makeMap, makeString, makeStrings, stored} from '../../../gotemplate/value/values.js'
import {define, numberOf, textOf} from '../define.js'
import {goLower, goUpper, title, trim, trimSpace} from '../text.js'
import {toText} from './convert.js'

type Entry = readonly [string, TemplateFunction]

/** Maximum number of characters that a function may produce by repeating. */
const mostCharacters = 16_000_000

const texts = (name: string, takes: string, make: (...args: string[]) => string): Entry => [
  name,
  define(takes, 'string', (...args) => makeString(make(...args.map(textOf)))),
]
const judge = (name: string, test: (part: string, text: string) => boolean): Entry => [
  name,
  define('string string', 'bool', (part, text) => makeBool(test(textOf(part), textOf(text)))),
]
const counted = (name: string, make: (count: number, text: string) => string): Entry => [
  name,
  define('int string', 'string', (count, text) => makeString(make(numberOf(count), textOf(text)))),
]

const notNil = (values: readonly Argument[]): Argument[] => values.filter(value => stored(value) !== undefined)

function repeat(count: number, text: string): string {
  if (count < 0) throw new GoError('strings: negative Repeat count')
  if (count * text.length > mostCharacters) throw new GoError('the repeated text is too long')
  return text.repeat(count)
}

function trunc(count: number, text: string): string {
  const length = byteLength(text)
  if (count < 0 && length + count > 0) return sliceBytes(text, length + count, length)
  return count >= 0 && length > count ? sliceBytes(text, 0, count) : text
}

function substr(start: number, end: number, text: string): string {
  const length = byteLength(text)
  const [from, to] = start < 0 ? [0, end] : end < 0 || end > length ? [start, length] : [start, end]
  if (from > to || from > length || to > length || to < 0) {
    throw new GoError(`runtime error: slice bounds out of range [${from}:${to}]`)
  }
  return sliceBytes(text, from, to)
}

function abbreviate(text: string, given: number, width: number): string {
  const length = byteLength(text)
  if (length <= width) return text
  let offset = Math.min(given, length)
  if (length - offset < width - 3) offset = length - (width - 3)
  if (offset <= 4) return `${sliceBytes(text, 0, width - 3)}...`
  if (offset + width - 3 < length) return `...${abbreviate(sliceBytes(text, offset, length), 0, width - 3)}`
  return `...${sliceBytes(text, length - (width - 3), length)}`
}

function wrap(text: string, given: number, separator: string): string {
  const width = Math.max(given, 1)
  let wrapped = ''
  let at = 0
  while (text.length - at > width) {
    if (text[at] === ' ') {
      at += 1
      continue
    }
    const space = text.slice(at, at + width + 1).lastIndexOf(' ')
    const end = space >= 0 ? at + space : at + width
    wrapped += text.slice(at, end) + (separator === '' ? '\n' : separator)
    at = space >= 0 ? end + 1 : end
  }
  return wrapped + text.slice(at)
}

const indent = (count: number, text: string): string => {
  const pad = repeat(count, ' ')
  return pad + text.replaceAll('\n', `\n${pad}`)
}

const hash = (algorithm: string, text: string): string => createHash(algorithm).update(encodeText(text)).digest('hex')

function adler32(text: string): string {
  let [a, b] = [1, 0]
  for (const byte of encodeText(text)) {
    a = (a + byte) % 65521
    b = (b + a) % 65521
  }
  return String(b * 65536 + a)
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function toBase32(text: string): string {
  let bits = ''
  for (const byte of encodeText(text)) bits += byte.toString(2).padStart(8, '0')
  const groups = bits.match(/.{1,5}/g) ?? []
  const encoded = groups.map(group => alphabet[Number.parseInt(group.padEnd(5, '0'), 2)] ?? '').join('')
  return encoded.padEnd(Math.ceil(encoded.length / 8) * 8, '=')
}

function fromBase32(text: string): string {
  const plain = text.replace(/=+$/, '')
  if (!/^[A-Z2-7]*$/.test(plain)) return `illegal base32 data at input byte ${plain.search(/[^A-Z2-7]/)}`
  const bits = Array.from(plain, one => alphabet.indexOf(one).toString(2).padStart(5, '0')).join('')
  const bytes = (bits.match(/.{8}/g) ?? []).map(byte => Number.parseInt(byte, 2))
  return decodeText(Uint8Array.from(bytes))
}

function fromBase64(text: string): string {
  if (/^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0) return decodeText(Buffer.from(text, 'base64'))
  const at = text.search(/[^A-Za-z0-9+/]/)
  return `illegal base64 data at input byte ${at < 0 ? text.length - (text.length % 4) : at}`
}

function splitParts(separator: string, text: string, most = Number.POSITIVE_INFINITY): Argument {
  const parts = separator === '' ? Array.from(text) : text.split(separator)
  const kept = parts.length <= most ? parts : [...parts.slice(0, most - 1), parts.slice(most - 1).join(separator)]
  return makeMap(
    stringType,
    kept.map((part, i) => [`_${i}`, makeString(part)] as const),
  )
}

const partsType = mapType(stringType, stringType)

/** sprig's functions for strings. */
export const sprigText: readonly Entry[] = [
  texts('trim', 'string', trimSpace),
  texts('upper', 'string', goUpper),
  texts('lower', 'string', goLower),
  texts('title', 'string', title),
  texts('untitle', 'string', text => text.replace(/(?<!\S)\S/gu, goLower)),
  texts('nospace', 'string', text => text.replace(/\s/gu, '')),
  texts('initials', 'string', text => text.replace(/(\S)\S*\s*/gu, '$1').trim()),
  texts('trimAll', 'string string', trim),
  texts('trimall', 'string string', trim),
  texts('trimPrefix', 'string string', (prefix, text) => (text.startsWith(prefix) ? text.slice(prefix.length) : text)),
  texts('trimSuffix', 'string string', (suffix, text) =>
    suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text,
  ),
  texts('replace', 'string string string', (from, to, text) => text.replaceAll(from, () => to)),
  texts('sha1sum', 'string', text => hash('sha1', text)),
  texts('sha256sum', 'string', text => hash('sha256', text)),
  texts('adler32sum', 'string', adler32),
  texts('b64enc', 'string', text => Buffer.from(encodeText(text)).toString('base64')),
  texts('b64dec', 'string', fromBase64),
  texts('b32enc', 'string', toBase32),
  texts('b32dec', 'string', fromBase32),
  judge('contains', (part, text) => text.includes(part)),
  judge('hasPrefix', (part, text) => text.startsWith(part)),
  judge('hasSuffix', (part, text) => text.endsWith(part)),
  counted('repeat', repeat),
  counted('trunc', trunc),
  counted('abbrev', (width, text) => (width < 4 ? text : abbreviate(text, 0, width))),
  counted('indent', indent),
  counted('nindent', (count, text) => `\n${indent(count, text)}`),
  counted('wrap', (width, text) => wrap(text, width, '\n')),
  [
    'wrapWith',
    define('int string string', 'string', (width, separator, text) =>
      makeString(wrap(textOf(text), numberOf(width), textOf(separator))),
    ),
  ],
  [
    'abbrevboth',
    define('int int string', 'string', (left, right, text) => {
      const [offset, width] = [numberOf(left), numberOf(right)]
      const isTooShort = width < 4 || (offset > 0 && width < 7)
      return makeString(isTooShort ? textOf(text) : abbreviate(textOf(text), offset, width))
    }),
  ],
  [
    'substr',
    define('int int string', 'string', (start, end, text) =>
      makeString(substr(numberOf(start), numberOf(end), textOf(text))),
    ),
  ],
  [
    'plural',
    define('string string int', 'string', (one, many, count) => makeString(textOf(numberOf(count) === 1 ? one : many))),
  ],
  [
    'quote',
    define('any...', 'string', (...all) =>
      makeString(
        notNil(all)
          .map(one => quote(toText(one)))
          .join(' '),
      ),
    ),
  ],
  [
    'squote',
    define('any...', 'string', (...all) =>
      makeString(
        notNil(all)
          .map(one => `'${toText(one)}'`)
          .join(' '),
      ),
    ),
  ],
  ['cat', define('any...', 'string', (...all) => makeString(notNil(all).map(toText).join(' ')))],
  ['toString', define('any', 'string', value => makeString(toText(value)))],
  [
    'atoi',
    define('string', 'int', text =>
      makeInt(/^[+-]?\d+$/.test(textOf(text)) ? BigInt(textOf(text).replace('+', '')) : 0n),
    ),
  ],
  ['split', define('string string', partsType, (separator, text) => splitParts(textOf(separator), textOf(text)))],
  [
    'splitn',
    define('string int string', partsType, (separator, count, text) =>
      splitParts(textOf(separator), textOf(text), numberOf(count)),
    ),
  ],
  [
    'splitList',
    define('string string', 'strings', (separator, text) =>
      makeStrings(textOf(separator) === '' ? Array.from(textOf(text)) : textOf(text).split(textOf(separator))),
    ),
  ],
]
