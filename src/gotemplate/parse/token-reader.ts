import type {Token} from './tokens.js'

/**
 * A sequence of tokens that several readers share: each definition in a template has its own reader, which continues
 * where the previous one stopped.
 */
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

/** Reads tokens with lookahead. */
export class TokenReader {
  readonly #source: TokenSource
  readonly #pending: Token[] = []
  /** Line of the last token taken from the source, which Go reports in syntax errors. */
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

  /** Puts tokens back. The next token to read comes first. */
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
