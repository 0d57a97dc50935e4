import {characterOf} from '../format/quote.js'
import {isBrokenByte} from '../value/text.js'

const simple: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
}

const escape = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\'"]))/y

/** Returns the value of a Go string literal, or undefined if its syntax is invalid. */
export function unquote(literal: string): string | undefined {
  const mark = literal[0] ?? ''
  const inner = literal.slice(1, -1)
  if (mark === '`') return inner.replaceAll('\r', '')
  let text = ''
  for (let at = 0; at < inner.length; ) {
    const found = oneCharacter(inner, at, mark)
    if (found === undefined) return undefined
    text += found.text
    at = found.next
  }
  return text
}

/** Returns the code point of a Go character literal, or undefined if its syntax is invalid. */
export function unquoteCharacter(literal: string): {code: number; rest: string} | undefined {
  const found = oneCharacter(literal, 1, "'")
  if (found === undefined) return undefined
  return {code: found.code, rest: literal.slice(found.next)}
}

interface Character {
  readonly text: string
  readonly code: number
  readonly next: number
}

function oneCharacter(literal: string, at: number, mark: string): Character | undefined {
  const code = literal.codePointAt(at)
  if (code === undefined || literal[at] === mark || literal[at] === '\n') return undefined
  if (literal[at] !== '\\') {
    const text = String.fromCodePoint(code)
    return {
      text: isBrokenByte(text) ? '\uFFFD' : text,
      code: isBrokenByte(text) ? 0xfffd : code,
      next: at + text.length,
    }
  }
  escape.lastIndex = at
  const found = escape.exec(literal)
  if (found === null) return undefined
  const [whole, hex, short, long, octal, letter] = found
  const next = at + whole.length
  if (letter !== undefined) {
    if ((letter === "'" || letter === '"') && letter !== mark) return undefined
    const text = simple[letter] ?? letter
    return {text, code: text.charCodeAt(0), next}
  }
  if (hex !== undefined || octal !== undefined) {
    const byte = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16)
    if (byte > 255) return undefined
    return {text: byteText(byte), code: byte, next}
  }
  const point = Number.parseInt(short ?? long ?? '', 16)
  const text = characterOf(point)
  return text === '\uFFFD' && point !== 0xfffd ? undefined : {text, code: point, next}
}

function byteText(byte: number): string {
  return byte < 0x80 ? String.fromCharCode(byte) : String.fromCharCode(0xdc00 + byte)
}
