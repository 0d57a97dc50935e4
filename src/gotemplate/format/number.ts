import {encodeText, isPrintable} from '../value/text.js'
import {type Flags, pad, padWithSpaces} from './flags.js'
import {type FloatForm, formatFloat} from './float.js'
import {canBackquote, characterOf, quote, quoteCharacter} from './quote.js'

const bases: Readonly<Record<string, 2 | 8 | 10 | 16>> = {b: 2, o: 8, O: 8, d: 10, v: 10, x: 16, X: 16}
const prefixes: Readonly<Record<string, string>> = {b: '0b', x: '0x', X: '0X'}

/** Formats an integer for a verb. Returns undefined if the verb does not apply to integers. */
export function formatInteger(value: bigint, verb: string, flags: Flags): string | undefined {
  if (verb === 'c') return pad(characterOf(toCode(value)), flags)
  if (verb === 'q') return pad(quoteCharacter(toCode(value), flags.plus), flags)
  if (verb === 'U') return padWithSpaces(unicodeForm(BigInt.asUintN(64, value), flags), flags)
  const base = bases[verb]
  if (base === undefined) return undefined
  if (flags.precision === 0 && value === 0n) return ' '.repeat(flags.width ?? 0)
  const negative = value < 0n
  const signed = negative || flags.plus || flags.space
  const least = flags.precision ?? (flags.zero ? (flags.width ?? 0) - (signed ? 1 : 0) : 0)
  let digits = (negative ? -value : value).toString(base)
  if (verb === 'X') digits = digits.toUpperCase()
  digits = withPrefix(digits.padStart(least, '0'), verb, flags)
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
  return padWithSpaces(sign + digits, flags)
}

function withPrefix(digits: string, verb: string, flags: Flags): string {
  let text = digits
  if (flags.sharp && bases[verb] === 8 && !text.startsWith('0')) text = `0${text}`
  else if (flags.sharp && bases[verb] !== 8) text = (prefixes[verb] ?? '') + text
  return verb === 'O' ? `0o${text}` : text
}

function toCode(value: bigint): number {
  const unsigned = BigInt.asUintN(64, value)
  return unsigned > 0x10ffffn ? -1 : Number(unsigned)
}

function unicodeForm(value: bigint, flags: Flags): string {
  const least = Math.max(flags.precision ?? 4, 4)
  const name = `U+${value.toString(16).toUpperCase().padStart(least, '0')}`
  const character = characterOf(toCode(value))
  return flags.sharp && value <= 0x10ffffn && isPrintable(character) ? `${name} '${character}'` : name
}

const floatVerbs: Readonly<Record<string, readonly [FloatForm, number]>> = {
  v: ['g', -1],
  b: ['b', -1],
  g: ['g', -1],
  G: ['G', -1],
  x: ['x', -1],
  X: ['X', -1],
  f: ['f', 6],
  F: ['f', 6],
  e: ['e', 6],
  E: ['E', 6],
}

/** Formats a float for a verb. Returns undefined if the verb does not apply to floats. */
export function formatFloatVerb(value: number, verb: string, flags: Flags, bits: 32 | 64): string | undefined {
  const found = floatVerbs[verb]
  if (found === undefined) return undefined
  const [form, usual] = found
  const precision = flags.precision ?? usual
  let text = formatFloat(value, form, precision, bits)
  let sign = '+'
  if (text.startsWith('-') || text.startsWith('+')) {
    sign = text.slice(0, 1)
    text = text.slice(1)
  }
  if (flags.space && sign === '+' && !flags.plus) sign = ' '
  const shown = flags.plus || sign !== '+'
  if (text === 'Inf') return padWithSpaces(sign + text, flags)
  if (text === 'NaN') return padWithSpaces(flags.space || flags.plus ? sign + text : text, flags)
  if (flags.sharp && form !== 'b') text = keepPoint(text, verb === 'v' ? 'g' : form, precision)
  if (!shown) return pad(text, flags)
  const width = flags.width ?? 0
  if (flags.zero && width > text.length + 1) return sign + text.padStart(width - 1, '0')
  return pad(sign + text, flags)
}

/** Applies the `#` flag: adds a decimal point if there is none, and for `g` also the zeros after the point. */
function keepPoint(text: string, form: FloatForm, precision: number): string {
  const general = form === 'g' || form === 'G' || form === 'x'
  let digits = general ? (precision === -1 ? 6 : precision) : 0
  const exponentAt = form === 'x' || form === 'X' ? text.search(/p/i) : text.search(/[ep]/i)
  const tail = exponentAt < 0 ? '' : text.slice(exponentAt)
  let body = exponentAt < 0 ? text : text.slice(0, exponentAt)
  let seen = false
  for (const character of body) {
    if (character === '.') continue
    if (character !== '0') seen = true
    if (seen) digits -= 1
  }
  if (!body.includes('.')) {
    if (body === '0') digits -= 1
    body += '.'
  }
  return body + '0'.repeat(Math.max(digits, 0)) + tail
}

/** Formats a string for a verb. Returns undefined if the verb does not apply to strings. */
export function formatString(text: string, verb: string, flags: Flags): string | undefined {
  if (verb === 's' || (verb === 'v' && !flags.sharpV)) return pad(cut(text, flags), flags)
  if (verb === 'q' || verb === 'v') return quoted(cut(text, flags), flags)
  if (verb === 'x' || verb === 'X') return hexBytes(encodeText(text), verb, flags)
  return undefined
}

function quoted(text: string, flags: Flags): string {
  if (flags.sharp && canBackquote(text)) return pad(`\`${text}\``, flags)
  return pad(quote(text, flags.plus), flags)
}

function cut(text: string, flags: Flags): string {
  return flags.precision === undefined ? text : Array.from(text).slice(0, flags.precision).join('')
}

/** Writes bytes in hexadecimal as `%x` does. */
export function hexBytes(bytes: Uint8Array, verb: 'x' | 'X', flags: Flags): string {
  const count = Math.min(flags.precision ?? bytes.length, bytes.length)
  if (count === 0) return (flags.zero ? '0' : ' ').repeat(flags.width ?? 0)
  const prefix = flags.sharp ? `0${verb}` : ''
  const texts = Array.from(bytes.subarray(0, count), byte => {
    const digits = byte.toString(16).padStart(2, '0')
    return verb === 'X' ? digits.toUpperCase() : digits
  })
  return pad(prefix + texts.join(flags.space ? ` ${prefix}` : ''), flags)
}
