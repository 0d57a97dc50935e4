import {TemplateError} from './errors.js'
import type {TokenReader} from './token-reader.js'
import {describe, type Token} from './tokens.js'

/** Creates errors about one text with Go's wording and line numbers. */
export class SyntaxErrors {
  readonly #name: string
  readonly #reader: TokenReader
  /** Line in which the current action begins, or 0. */
  actionLine = 0

  constructor(name: string, reader: TokenReader) {
    this.#name = name
    this.#reader = reader
  }

  fail(message: string): never {
    const {line} = this.#reader
    throw new TemplateError(`template: ${this.#name}:${line}: ${message}`, {template: this.#name, line})
  }

  unexpected(token: Token, where: string): never {
    if (token.type !== 'error') this.fail(`unexpected ${describe(token)} in ${where}`)
    let more = ''
    if (this.actionLine !== 0 && this.actionLine !== token.line) {
      more = ` in action started at ${this.#name}:${this.actionLine}`
      if (token.text.endsWith(' action')) more = more.slice(' in action'.length)
    }
    this.fail(token.text + more)
  }
}
