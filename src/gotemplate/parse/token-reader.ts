import type {Token} from './tokens.js'

/** Hands out tokens, of which several readers may take turns: definitions inside a template have their own. */
export class TokenSource {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  next(): Token {
    const token = this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]
    this.#at += 1
    return token ?? {type: 'eof', at: 0, text: '', line: 0}
  }
}

/** Reads tokens with a look ahead. */
export class TokenReader {
  readonly #source: TokenSource
  readonly #pending: Token[] = []
  /** The line of the last token that was taken from the source. Go names it in errors of syntax. */
  line = 0

  constructor(source: TokenSource) {
    this.#source = source
  }

  next(): Token {
    return this.#pending.pop() ?? this.#fetch()
  }

  #fetch(): Token {
    const token = this.#source.next()
    this.line = token.line
    return token
  }

  peek(): Token {
    const token = this.next()
    this.back(token)
    return token
  }

  /** Gives tokens back, the one to be read first in front. */
  back(...tokens: Token[]): void {
    this.#pending.push(...tokens.reverse())
  }

  nextNonSpace(): Token {
    let token = this.next()
    while (token.type === 'space') token = this.next()
    return token
  }

  peekNonSpace(): Token {
    const token = this.nextNonSpace()
    this.back(token)
    return token
  }
}
