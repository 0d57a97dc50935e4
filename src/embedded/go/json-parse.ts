/** Go's `encoding/json` reader: exact integers, its own words for what is wrong, and text after the first value ignored. */

export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject
/** A Map, so that no field name can touch a prototype. */
export type JsonObject = Map<string, JsonValue>

export class JsonError extends Error {}

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
const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const plain = /[^"\\\u0000-\u001f]*/y
const deepest = 1000

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth = 0): JsonValue {
    if (depth > deepest) throw new JsonError('exceeded max depth')
    const char = this.#next('looking for beginning of value')
    if (char === '{') return this.#object(depth)
    if (char === '[') return this.#array(depth)
    if (char === '"') return this.#string()
    if (char === 't') return this.#literal('true', true)
    if (char === 'f') return this.#literal('false', false)
    if (char === 'n') return this.#literal('null', null)
    return this.#number(char)
  }

  /** The next character that is not white space, without taking it. */
  #next(where: string): string {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? '\0')) this.#at += 1
    const char = this.#text[this.#at]
    if (char === undefined) throw new JsonError(this.#text.trim() === '' ? 'EOF' : 'unexpected EOF')
    if (where === '' || '{["tfn-0123456789'.includes(char) || where !== 'looking for beginning of value') return char
    throw this.#invalid(char, where)
  }

  #invalid(char: string, where: string): JsonError {
    const shown = char === "'" ? `'\\''` : char === '"' ? `'"'` : `'${char}'`
    return new JsonError(`invalid character ${shown} ${where}`)
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
      if (char !== '\\') throw this.#invalid(JSON.stringify(char).slice(1, -1), 'in string literal')
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
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw this.#invalid(hex[0] ?? '"', 'in \\u hexadecimal character escape')
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

  #number(char: string): number | bigint {
    number.lastIndex = this.#at
    const found = number.exec(this.#text)
    if (!found) throw this.#invalid(this.#text[this.#at + 1] ?? char, 'in numeric literal')
    this.#at += found[0].length
    if (found[1] !== undefined || found[2] !== undefined) return Number(found[0])
    const exact = BigInt(found[0])
    return exact >= -(2n ** 53n) && exact <= 2n ** 53n ? Number(exact) : exact
  }
}

/** Throws a JsonError with Go's message. An empty text is `EOF`. */
export const parseGoJson = (text: string): JsonValue => new Reader(text).value()
