import {nameCharacter, quote} from '../format/quote.js'
import {keywords, type Token, type TokenType} from './tokens.js'

/** Delimiters of actions. An empty string means Go's `{{` or `}}`. */
export interface Delimiters {
  readonly left: string
  readonly right: string
}

const space = /[ \t\r\n]/
const spaces = /[ \t\r\n]*/y
const word = /[\p{L}\p{Nd}_]/u
const end = -1

type State = () => State | undefined

/**
 * Splits a template into tokens. An error becomes the last token. `break` and `continue`, which are keywords since Go
 * 1.18, count as names if `functions` contains them.
 */
export function scan(text: string, delimiters: Delimiters, functions: ReadonlySet<string>): readonly Token[] {
  return new Scanner(text, delimiters, functions).run()
}

class Scanner {
  readonly #text: string
  readonly #left: string
  readonly #right: string
  readonly #functions: ReadonlySet<string>
  readonly #tokens: Token[] = []
  #at = 0
  #start = 0
  #startLine = 1
  #depth = 0

  constructor(text: string, delimiters: Delimiters, functions: ReadonlySet<string>) {
    this.#text = text
    this.#left = delimiters.left === '' ? '{{' : delimiters.left
    this.#right = delimiters.right === '' ? '}}' : delimiters.right
    this.#functions = functions
  }

  run(): readonly Token[] {
    for (let state: State | undefined = this.#inText; state !== undefined; ) state = state()
    return this.#tokens
  }

  #emit(type: TokenType): void {
    this.#tokens.push({type, at: this.#start, text: this.#text.slice(this.#start, this.#at), line: this.#startLine})
    this.#ignore()
  }

  #ignore(): void {
    for (let i = this.#start; i < this.#at; i += 1) if (this.#text[i] === '\n') this.#startLine += 1
    this.#start = this.#at
  }

  /** Adds an error as the last token. */
  #fail(text: string): State | undefined {
    this.#tokens.push({type: 'error', at: this.#start, text, line: this.#startLine})
    return undefined
  }

  #peek(): number {
    return this.#text.codePointAt(this.#at) ?? end
  }

  #next(): number {
    const code = this.#peek()
    if (code !== end) this.#at += code > 0xffff ? 2 : 1
    return code
  }

  #startsWith(text: string, at = this.#at): boolean {
    return this.#text.startsWith(text, at)
  }

  #isSpaceAt(at: number): boolean {
    return space.test(this.#text[at] ?? '')
  }

  #skipSpaces(): void {
    spaces.lastIndex = this.#at
    this.#at += spaces.exec(this.#text)?.[0].length ?? 0
  }

  /** True at a right delimiter with a trim marker: a space, `-` and the delimiter. */
  #atTrimmedEnd(at = this.#at): boolean {
    return this.#isSpaceAt(at) && this.#text[at + 1] === '-' && this.#startsWith(this.#right, at + 2)
  }

  #atTrimmedStart(at: number): boolean {
    return this.#text[at] === '-' && this.#isSpaceAt(at + 1)
  }

  readonly #inText: State = () => {
    const found = this.#text.indexOf(this.#left, this.#at)
    this.#at = found < 0 ? this.#text.length : found
    if (found < 0) {
      if (this.#at > this.#start) this.#emit('text')
      this.#emit('eof')
      return undefined
    }
    if (this.#atTrimmedStart(found + this.#left.length)) {
      while (this.#at > this.#start && this.#isSpaceAt(this.#at - 1)) this.#at -= 1
    }
    if (this.#at > this.#start) this.#emit('text')
    this.#at = found
    this.#ignore()
    return this.#atLeft
  }

  readonly #atLeft: State = () => {
    this.#at += this.#left.length
    const marker = this.#atTrimmedStart(this.#at) ? 2 : 0
    if (this.#startsWith('/*', this.#at + marker)) {
      this.#at += marker
      this.#ignore()
      return this.#inComment
    }
    this.#emit('leftDelim')
    this.#at += marker
    this.#ignore()
    this.#depth = 0
    return this.#inAction
  }

  readonly #inComment: State = () => {
    const close = this.#text.indexOf('*/', this.#at + 2)
    if (close < 0) return this.#fail('unclosed comment')
    this.#at = close + 2
    const trimmed = this.#atTrimmedEnd()
    if (!trimmed && !this.#startsWith(this.#right)) return this.#fail('comment ends before closing delimiter')
    this.#at += this.#right.length + (trimmed ? 2 : 0)
    if (trimmed) this.#skipSpaces()
    this.#ignore()
    return this.#inText
  }

  readonly #atRight: State = () => {
    const trimmed = this.#atTrimmedEnd()
    if (trimmed) {
      this.#at += 2
      this.#ignore()
    }
    this.#at += this.#right.length
    this.#emit('rightDelim')
    if (trimmed) {
      this.#skipSpaces()
      this.#ignore()
    }
    return this.#inText
  }

  readonly #inAction: State = () => {
    if (this.#atTrimmedEnd() || this.#startsWith(this.#right)) {
      return this.#depth === 0 ? this.#atRight : this.#fail('unclosed left paren')
    }
    const code = this.#peek()
    if (code === end) return this.#fail('unclosed action')
    const character = String.fromCodePoint(code)
    if (space.test(character)) return this.#spaces
    if (/[+\-0-9]/.test(character) || (character === '.' && this.#digitFollows())) return this.#number
    if (word.test(character)) return this.#identifier
    this.#next()
    return this.#punctuation(character, code)
  }

  #digitFollows(): boolean {
    return /^[0-9]$/.test(this.#text[this.#at + 1] ?? '') || this.#at + 1 >= this.#text.length
  }

  #punctuation(character: string, code: number): State | undefined {
    switch (character) {
      case '=':
        return this.#one('assign')
      case ':':
        return this.#next() === 0x3d ? this.#one('declare') : this.#fail('expected :=')
      case '|':
        return this.#one('pipe')
      case '"':
        return this.#quoted('"', 'string', 'unterminated quoted string')
      case "'":
        return this.#quoted("'", 'charConstant', 'unterminated character constant')
      case '`':
        return this.#rawString()
      case '$':
        return this.#fieldOrVariable('variable')
      case '.':
        return this.#fieldOrVariable('field')
      case '(':
        this.#depth += 1
        return this.#one('leftParen')
      case ')':
        this.#depth -= 1
        this.#emit('rightParen')
        return this.#depth < 0 ? this.#fail(`unexpected right paren ${nameCharacter(code)}`) : this.#inAction
      default:
        if (code > 0x20 && code < 0x7f) return this.#one('char')
        return this.#fail(`unrecognized character in action: ${nameCharacter(code)}`)
    }
  }

  #one(type: TokenType): State {
    this.#emit(type)
    return this.#inAction
  }

  readonly #spaces: State = () => {
    while (this.#isSpaceAt(this.#at) && !this.#atTrimmedEnd()) this.#at += 1
    if (this.#at === this.#start) return this.#atRight
    this.#emit('space')
    return this.#inAction
  }

  readonly #identifier: State = () => {
    while (this.#atWord()) this.#next()
    const text = this.#text.slice(this.#start, this.#at)
    if (!this.#atTerminator()) {
      this.#badCharacter()
      return
    }
    const keyword = keywords.get(text)
    if (keyword !== undefined && !this.#functions.has(text)) return this.#one(keyword)
    return this.#one(text === 'true' || text === 'false' ? 'bool' : 'identifier')
  }

  #atWord(): boolean {
    const code = this.#peek()
    return code !== end && word.test(String.fromCodePoint(code))
  }

  #badCharacter(): State | undefined {
    return this.#fail(`bad character ${nameCharacter(this.#peek())}`)
  }

  #fieldOrVariable(type: 'field' | 'variable'): State | undefined {
    if (this.#atTerminator()) return this.#one(type === 'variable' ? 'variable' : 'dot')
    while (this.#atWord()) this.#next()
    return this.#atTerminator() ? this.#one(type) : this.#badCharacter()
  }

  /** True at a character that ends a name, or at the right delimiter. */
  #atTerminator(): boolean {
    const code = this.#peek()
    return code === end || /[ \t\r\n.,|:)(]/.test(String.fromCodePoint(code)) || this.#startsWith(this.#right)
  }

  #quoted(mark: string, type: TokenType, unterminated: string): State | undefined {
    for (;;) {
      let code = this.#next()
      if (code === 0x5c) {
        code = this.#next()
        if (code !== end && code !== 0x0a) continue
      }
      if (code === end || code === 0x0a) return this.#fail(unterminated)
      if (String.fromCodePoint(code) === mark) return this.#one(type)
    }
  }

  #rawString(): State | undefined {
    const close = this.#text.indexOf('`', this.#at)
    if (close < 0) return this.#fail('unterminated raw quoted string')
    this.#at = close + 1
    return this.#one('rawString')
  }

  readonly #number: State = () => {
    if (!this.#numberPart()) {
      this.#badNumber()
      return
    }
    if (this.#peek() !== 0x2b && this.#peek() !== 0x2d) return this.#one('number')
    if (!this.#numberPart() || this.#text[this.#at - 1] !== 'i') {
      this.#badNumber()
      return
    }
    return this.#one('complex')
  }

  #numberPart(): boolean {
    const number =
      /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y
    number.lastIndex = this.#at
    this.#at += number.exec(this.#text)?.[0].length ?? 0
    if (!this.#atWord()) return true
    this.#next()
    return false
  }

  #badNumber(): State | undefined {
    return this.#fail(`bad number syntax: ${quote(this.#text.slice(this.#start, this.#at))}`)
  }
}
