/**
 * Parses JSON as Go's `encoding/json` does, with exact integers and Go's error messages. Text after the first value is
 * ignored.
 */

export type JsonValue = null | boolean | number | bigint | string | JsonDecimal | JsonValue[] | JsonObject
/** An object is a Map, because a field name such as `__proto__` could change a plain object. */
export type JsonObject = Map<string, JsonValue>

export class JsonError extends Error {}

/** A number with a fraction or an exponent. As in Go, even `1.0` does not count as an integer. */
export class JsonDecimal {
  readonly text: string
  readonly value: number

  constructor(text: string) {
    this.text = text
    this.value = Number(text)
  }
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}
const digits = /\d+/y
const plain = /[^"\\\u0000-\u001f]*/y
/** Maximum depth of nesting; Go allows 10,000. */
const deepest = 1000

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth = 0): JsonValue {
    const char = this.#next('looking for beginning of value')
    if (depth > deepest && (char === '[' || char === '{')) throw this.#invalid(char, 'exceeded max depth')
    if (char === '{') return this.#object(depth)
    if (char === '[') return this.#array(depth)
    if (char === '"') return this.#string()
    if (char === 't') return this.#literal('true', true)
    if (char === 'f') return this.#literal('false', false)
    if (char === 'n') return this.#literal('null', null)
    return this.#number(char)
  }

  /** Returns the next character that is not white space, without consuming it. */
  #next(where: string): string {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? '\0')) this.#at += 1
    const char = this.#text[this.#at]
    if (char === undefined) throw new JsonError(this.#text.trim() === '' ? 'EOF' : 'unexpected EOF')
    if (where === '' || '{["tfn-0123456789'.includes(char) || where !== 'looking for beginning of value') return char
    throw this.#invalid(char, where)
  }

  #invalid(char: string, where: string): JsonError {
    return new JsonError(`invalid character '${shownByte(char)}' ${where}`)
  }

  #object(depth: number): JsonObject {
    const object: JsonObject = new Map()
    this.#at += 1
    if (this.#next('') === '}') {
      this.#at += 1
      return object
    }
    for (;;) {
      const quote = this.#next('')
      if (quote !== '"') throw this.#invalid(quote, 'looking for beginning of object key string')
      const key = this.#string()
      const colon = this.#next('')
      if (colon !== ':') throw this.#invalid(colon, 'after object key')
      this.#at += 1
      object.set(key, this.value(depth + 1))
      const end = this.#next('')
      this.#at += 1
      if (end === '}') return object
      if (end !== ',') throw this.#invalid(end, 'after object key:value pair')
    }
  }

  #array(depth: number): JsonValue[] {
    const array: JsonValue[] = []
    this.#at += 1
    if (this.#next('') === ']') {
      this.#at += 1
      return array
    }
    for (;;) {
      array.push(this.value(depth + 1))
      const end = this.#next('')
      this.#at += 1
      if (end === ']') return array
      if (end !== ',') throw this.#invalid(end, 'after array element')
    }
  }

  #string(): string {
    let result = ''
    this.#at += 1
    for (;;) {
      plain.lastIndex = this.#at
      const run = plain.exec(this.#text)?.[0] ?? ''
      result += run
      this.#at += run.length
      const char = this.#text[this.#at]
      if (char === undefined) throw new JsonError('unexpected EOF')
      this.#at += 1
      if (char === '"') return result
      if (char !== '\\') throw this.#invalid(char, 'in string literal')
      result += this.#escape()
    }
  }

  #escape(): string {
    const char = this.#text[this.#at] ?? ''
    this.#at += 1
    if (char === '') throw new JsonError('unexpected EOF')
    if (char !== 'u') {
      const plainChar = escapes[char]
      if (plainChar === undefined) throw this.#invalid(char, 'in string escape code')
      return plainChar
    }
    const hex = this.#text.slice(this.#at, this.#at + 4)
    const wrong = hex.search(/[^0-9a-fA-F]/)
    if (wrong >= 0) throw this.#invalid(hex[wrong] as string, 'in \\u hexadecimal character escape')
    if (hex.length < 4) throw atEnd()
    this.#at += 4
    return String.fromCharCode(Number.parseInt(hex, 16))
  }

  #literal<T extends JsonValue>(word: string, value: T): T {
    for (const [offset, wanted] of word.split('').entries()) {
      const char = this.#text[this.#at + offset]
      if (char === undefined) throw new JsonError('unexpected EOF')
      if (char !== wanted) throw this.#invalid(char, `in literal ${word} (expecting '${wanted}')`)
    }
    this.#at += word.length
    return value
  }

  #number(char: string): number | bigint | JsonDecimal {
    const start = this.#at
    if (char === '-') this.#at += 1
    if (this.#text[this.#at] === '0') this.#at += 1
    else this.#digits('in numeric literal')
    const whole = this.#text.slice(start, this.#at)
    if (this.#text[this.#at] === '.') {
      this.#at += 1
      this.#digits('after decimal point in numeric literal')
    }
    if (/[eE]/.test(this.#text[this.#at] ?? '')) {
      this.#at += /[+-]/.test(this.#text[this.#at + 1] ?? '') ? 2 : 1
      this.#digits('in exponent of numeric literal')
    }
    const text = this.#text.slice(start, this.#at)
    if (text !== whole) return new JsonDecimal(text)
    const exact = BigInt(text)
    return exact >= -(2n ** 53n) && exact <= 2n ** 53n ? Number(exact) : exact
  }

  /** Reads at least one digit. */
  #digits(where: string): void {
    digits.lastIndex = this.#at
    const found = digits.exec(this.#text)
    if (found) this.#at = digits.lastIndex
    else throw this.#at < this.#text.length ? this.#invalid(this.#text[this.#at] as string, where) : atEnd()
  }
}

const atEnd = (): JsonError => new JsonError('unexpected EOF')

const named: Readonly<Record<string, string>> = {
  "'": "\\'",
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/**
 * Returns the first byte of a character as Go shows it: a byte beyond ASCII is shown as the character with that code.
 */
function shownByte(char: string): string {
  const byte = Buffer.from(char, 'utf8')[0] ?? 0
  const known = named[char]
  if (known !== undefined) return known
  const hex = byte.toString(16)
  if (byte < 0x20 || byte === 0x7f) return `\\x${hex.padStart(2, '0')}`
  return byte >= 0x80 && byte <= 0xa0 ? `\\u00${hex}` : String.fromCharCode(byte)
}

/** Parses a text. Throws a JsonError with Go's message, which is `EOF` for an empty text. */
export const parseGoJson = (text: string): JsonValue => new Reader(text).value()
