import {isBrokenByte, isPrintable} from '../value/text.js'

const escapes = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
])

/** Quotes a string as Go's `strconv.Quote` does. */
export function quote(text: string, asciiOnly = false): string {
  let quoted = '"'
  for (const character of text) quoted += escapeCharacter(character, '"', asciiOnly)
  return `${quoted}"`
}

/** Quotes a character as Go's `strconv.QuoteRune` does. */
export function quoteCharacter(code: number, asciiOnly = false): string {
  return `'${escapeCharacter(characterOf(code), "'", asciiOnly)}'`
}

/** Returns the character with this code point, or U+FFFD if the code point is invalid. */
export function characterOf(code: number): string {
  if (code > 0x10ffff || code < 0 || (code >= 0xd800 && code <= 0xdfff)) return '\uFFFD'
  return String.fromCodePoint(code)
}

function escapeCharacter(character: string, quoteMark: string, asciiOnly: boolean): string {
  if (character === quoteMark) return `\\${quoteMark}`
  const escape = escapes.get(character)
  if (escape !== undefined) return escape
  const code = character.codePointAt(0) ?? 0
  if (isBrokenByte(character)) return `\\x${hex(code - 0xdc00, 2)}`
  if (isPrintable(character) && !(asciiOnly && code >= 0x80)) return character
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, '0')
}

/** True if the text can be written between backquotes. */
export function canBackquote(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (character === '\uFEFF' || character === '`' || code === 0x7f || isBrokenByte(character)) return false
    if (code < 0x20 && character !== '\t') return false
  }
  return true
}

/** Describes a character as Go's errors do: its code point, and the character itself if it is printable. */
export function nameCharacter(code: number): string {
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  const character = characterOf(code)
  return isPrintable(character) ? `${name} '${character}'` : name
}
