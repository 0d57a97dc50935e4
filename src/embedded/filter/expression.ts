/** Consul's filter language: selectors, values, `and or not`, parentheses. */

export type Operator = '==' | '!=' | 'in' | 'not in' | 'is empty' | 'is not empty' | 'matches' | 'not matches'

export type Expression =
  | {readonly type: 'and' | 'or'; readonly left: Expression; readonly right: Expression}
  | {readonly type: 'not'; readonly inner: Expression}
  | {readonly type: 'test'; readonly selector: readonly string[]; readonly operator: Operator; readonly value: string}

export class FilterError extends Error {}

type Token = {readonly kind: 'word' | 'string' | 'sign'; readonly text: string; readonly at: number}

const token = /\s*(?:"([^"]*)"|`([^`]*)`|(==|!=|\(|\))|([^\s()"`=!]+))/y

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  token.lastIndex = 0
  while (token.lastIndex < text.trimEnd().length) {
    const at = token.lastIndex
    const found = token.exec(text)
    if (!found) throw noMatch(at)
    const [, quoted, raw, sign, word] = found
    if (quoted !== undefined || raw !== undefined) tokens.push({kind: 'string', text: quoted ?? raw ?? '', at})
    else if (sign !== undefined) tokens.push({kind: 'sign', text: sign, at})
    else tokens.push({kind: 'word', text: word ?? '', at})
  }
  return tokens
}

const noMatch = (at: number): FilterError => new FilterError(`1:${at + 1} (${at}): no match found`)

class Parser {
  readonly #tokens: readonly Token[]
  readonly #end: number
  #at = 0

  constructor(text: string) {
    this.#tokens = tokenize(text)
    this.#end = text.length
  }

  whole(): Expression {
    const expression = this.#or()
    if (this.#at < this.#tokens.length) throw this.#wrong()
    return expression
  }

  #or(): Expression {
    const left = this.#and()
    return this.#word('or') ? {type: 'or', left, right: this.#or()} : left
  }

  #and(): Expression {
    const left = this.#not()
    return this.#word('and') ? {type: 'and', left, right: this.#and()} : left
  }

  #not(): Expression {
    if (this.#word('not')) return {type: 'not', inner: this.#not()}
    if (this.#sign('(')) {
      const inner = this.#or()
      if (!this.#sign(')')) throw this.#wrong()
      return inner
    }
    return this.#test()
  }

  #test(): Expression {
    const first = this.#take()
    const operator = this.#operator()
    if (operator === 'is empty' || operator === 'is not empty') {
      return {type: 'test', selector: selectorOf(first), operator, value: ''}
    }
    if (operator === 'in' || operator === 'not in') {
      return {type: 'test', selector: selectorOf(this.#take()), operator, value: first.text}
    }
    const value = this.#take().text
    if (operator === 'contains' || operator === 'not contains') {
      const inverse = operator === 'contains' ? 'in' : 'not in'
      return {type: 'test', selector: selectorOf(first), operator: inverse, value}
    }
    return {type: 'test', selector: selectorOf(first), operator, value}
  }

  #operator(): Operator | 'contains' | 'not contains' {
    if (this.#sign('==')) return '=='
    if (this.#sign('!=')) return '!='
    if (this.#word('is')) {
      const negated = this.#word('not')
      if (this.#word('empty')) return negated ? 'is not empty' : 'is empty'
      throw this.#wrong()
    }
    const negated = this.#word('not')
    for (const name of ['in', 'contains', 'matches'] as const) {
      if (this.#word(name)) return negated ? `not ${name}` : name
    }
    throw this.#wrong()
  }

  #take(): Token {
    const next = this.#tokens[this.#at]
    if (!next || next.kind === 'sign') throw this.#wrong()
    this.#at += 1
    return next
  }

  #word(text: string): boolean {
    return this.#accept('word', text)
  }

  #sign(text: string): boolean {
    return this.#accept('sign', text)
  }

  #accept(kind: Token['kind'], text: string): boolean {
    const next = this.#tokens[this.#at]
    if (next?.kind !== kind || next.text !== text) return false
    this.#at += 1
    return true
  }

  #wrong = (): FilterError => noMatch(this.#tokens[this.#at]?.at ?? this.#end)
}

function selectorOf({kind, text, at}: Token): readonly string[] {
  if (kind !== 'word' || !/^[A-Za-z]/.test(text)) throw noMatch(at)
  return text.split('.')
}

/** Throws a FilterError that says where the text stops making sense. */
export const parseFilter = (text: string): Expression => new Parser(text).whole()
