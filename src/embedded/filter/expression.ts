import {Scanner} from './scanner.js'

/** The grammar of Consul's filter language: selectors, values, `and or not`, parentheses. */

/** Operators, under the names that error messages use. */
export type Operator = 'Equal' | 'Not Equal' | 'In' | 'Not In' | 'Is Empty' | 'Is Not Empty' | 'Matches' | 'Not Matches'

export type Expression =
  | {readonly type: 'and' | 'or'; readonly left: Expression; readonly right: Expression}
  | {readonly type: 'not'; readonly inner: Expression}
  | Test
export interface Test {
  readonly type: 'test'
  readonly selector: readonly string[]
  readonly operator: Operator
  /** The value to compare with; undefined for operators that have none. */
  readonly value: string | undefined
}

export class FilterError extends Error {}

/**
 * Operators that are written as words between a selector and a value. Unlike these, `==` and `!=` need no spaces around
 * them.
 */
const wordOperators: readonly (readonly [readonly string[], Operator])[] = [
  [['contains'], 'In'],
  [['not', 'contains'], 'Not In'],
  [['matches'], 'Matches'],
  [['not', 'matches'], 'Not Matches'],
]
const [white, letter, digit] = ['[ \\t\\r\\n]', '[a-zA-Z]', '[0-9]']
/** Maximum depth of nesting, far beyond any expression that a person would write. */
const deepest = 200

class Parser {
  readonly #in: Scanner
  #depth = 0

  constructor(text: string) {
    this.#in = new Scanner(text)
  }

  whole(): Expression {
    const scanner = this.#in
    const found = scanner.attempt(() => {
      this.#blanks()
      const expression = this.#or()
      this.#blanks()
      return expression && scanner.end() ? expression : undefined
    })
    const wrong = scanner.verdict(found === undefined)
    if (wrong !== undefined || found === undefined) throw new FilterError(wrong ?? '')
    return found
  }

  #or(): Expression | undefined {
    const left = this.#and()
    if (!left) return undefined
    const right = this.#in.attempt(() => (this.#words('or') && this.#gap() ? this.#or() : undefined))
    return right ? {type: 'or', left, right} : left
  }

  #and(): Expression | undefined {
    const left = this.#not()
    if (!left) return undefined
    const right = this.#in.attempt(() => (this.#words('and') && this.#gap() ? this.#and() : undefined))
    return right ? {type: 'and', left, right} : left
  }

  #not(): Expression | undefined {
    const inner = this.#in.attempt(() => (this.#in.literal('not') && this.#gap() ? this.#not() : undefined))
    return inner ? {type: 'not', inner} : (this.#in.attempt(() => this.#group()) ?? this.#match())
  }

  #group(): Expression | undefined {
    if (!this.#in.literal('(')) return undefined
    this.#depth += 1
    if (this.#depth > deepest) throw new FilterError('too many parentheses')
    this.#blanks()
    const inner = this.#or()
    this.#depth -= 1
    if (!inner) return undefined
    this.#blanks()
    if (this.#in.literal(')')) return inner
    this.#in.complain('grouping', 'Unmatched parentheses')
    return undefined
  }

  #match(): Expression | undefined {
    const scanner = this.#in
    return (
      scanner.attempt(() => this.#selectorFirst()) ??
      scanner.attempt(() => this.#emptiness()) ??
      scanner.attempt(() => this.#valueFirst())
    )
  }

  #selectorFirst(): Test | undefined {
    const selector = this.#selector()
    const operator = selector && this.#operator()
    const value = operator && this.#value()
    return selector && operator && value !== undefined ? {type: 'test', selector, operator, value} : undefined
  }

  #operator(): Operator | undefined {
    const scanner = this.#in
    for (const [sign, operator] of [['==', 'Equal'] as const, ['!=', 'Not Equal'] as const]) {
      const found = scanner.attempt(() => {
        this.#blanks()
        return scanner.literal(sign) || undefined
      })
      if (found) {
        this.#blanks()
        return operator
      }
    }
    for (const [words, operator] of wordOperators) {
      if (scanner.attempt(() => (this.#words(...words) && this.#gap()) || undefined)) return operator
    }
    return undefined
  }

  #emptiness(): Test | undefined {
    const selector = this.#selector()
    if (!selector) return undefined
    const is = (...words: string[]): boolean =>
      this.#in.attempt(() => this.#words('is', ...words) || undefined) === true
    const operator = is('empty') ? 'Is Empty' : is('not', 'empty') ? 'Is Not Empty' : undefined
    return operator && {type: 'test', selector, operator, value: undefined}
  }

  #valueFirst(): Test | undefined {
    const value = this.#value()
    if (value === undefined) return undefined
    const found = (...words: string[]): boolean =>
      this.#in.attempt(() => (this.#words(...words) && this.#gap()) || undefined) === true
    const operator = found('in') ? 'In' : found('not', 'in') ? 'Not In' : undefined
    if (!operator) return undefined
    const selector = this.#selector()
    if (selector) return {type: 'test', selector, operator, value}
    this.#in.complain('match', 'Invalid selector')
    return undefined
  }

  #selector(): string[] | undefined {
    const first = this.#identifier()
    if (first === undefined) return undefined
    const path = [first]
    for (;;) {
      const next = this.#in.attempt(() => (this.#in.literal('.') ? this.#identifier() : undefined)) ?? this.#index()
      if (next === undefined) return path
      path.push(next)
    }
  }

  #identifier(): string | undefined {
    const start = this.#in.at
    if (!this.#in.one(/[a-zA-Z]/, letter)) return undefined
    this.#in.many(/[a-zA-Z0-9_]/, '[a-zA-Z0-9_]')
    return this.#in.from(start)
  }

  /** Reads `["name"]`, the syntax for names that are not identifiers. */
  #index(): string | undefined {
    const scanner = this.#in
    return scanner.attempt(() => {
      if (!scanner.literal('[')) return undefined
      this.#blanks()
      const name = scanner.attempt(() => this.#string())
      if (name === undefined) {
        scanner.complain('index', 'Invalid index')
        return undefined
      }
      this.#blanks()
      if (scanner.literal(']')) return name
      scanner.complain('index', 'Unclosed index expression')
      return undefined
    })
  }

  #value(): string | undefined {
    const scanner = this.#in
    return (
      scanner.attempt(() => this.#selector())?.join('.') ??
      scanner.attempt(() => this.#number()) ??
      scanner.attempt(() => this.#string())
    )
  }

  #number(): string | undefined {
    const scanner = this.#in
    const start = scanner.at
    scanner.literal('-')
    if (!scanner.literal('0')) {
      if (!scanner.one(/[1-9]/, '[1-9]')) return undefined
      scanner.many(/\d/, digit)
    }
    scanner.attempt(() => {
      if (!scanner.literal('.') || !scanner.one(/\d/, digit)) return undefined
      scanner.many(/\d/, digit)
      return true
    })
    const text = scanner.from(start)
    if (scanner.sees(/^[ \t\r\n]/) || scanner.end() || scanner.sees(/^\)/)) return text
    scanner.complain('number', 'Invalid number literal')
    return undefined
  }

  #string(): string | undefined {
    const scanner = this.#in
    const start = scanner.at
    const quote = ['`', '"'].find(mark => scanner.literal(mark))
    if (quote === undefined) return undefined
    scanner.skipTo(quote)
    if (scanner.end()) {
      scanner.complain('string', 'Unterminated string literal')
      return undefined
    }
    scanner.literal(quote)
    const text = scanner.from(start)
    if (quote === '`') return text.slice(1, -1).replaceAll('\r', '')
    const plain = unquote(text)
    if (plain === undefined) scanner.complain('string', 'invalid syntax', start)
    return plain ?? ''
  }

  /** Skips spaces. */
  #blanks(): void {
    this.#in.many(/[ \t\r\n]/, white)
  }

  /** Reads at least one space. */
  #gap(): boolean {
    if (!this.#in.one(/[ \t\r\n]/, white)) return false
    this.#blanks()
    return true
  }

  /** Reads these words, each preceded by at least one space. */
  #words(...words: readonly string[]): boolean {
    return words.every(word => this.#gap() && this.#in.literal(word))
  }
}

/** Unquotes a string in double quotes. Returns undefined if Go would reject it. */
function unquote(text: string): string | undefined {
  if (/[\n\r]/.test(text)) return undefined
  try {
    return JSON.parse(text.replaceAll('\t', '\\t')) as string
  } catch {
    return undefined
  }
}

/** Throws a FilterError with the position of the first error. */
export const parseFilter = (text: string): Expression => new Parser(text).whole()
