import {quote} from '../format/quote.js'
import {byteLength} from '../value/text.js'

/** Types of tokens. Each keyword has its own type. */
export type TokenType =
  | 'error'
  | 'bool'
  | 'char'
  | 'charConstant'
  | 'complex'
  | 'assign'
  | 'declare'
  | 'eof'
  | 'field'
  | 'identifier'
  | 'leftDelim'
  | 'leftParen'
  | 'number'
  | 'pipe'
  | 'rawString'
  | 'rightDelim'
  | 'rightParen'
  | 'space'
  | 'string'
  | 'text'
  | 'variable'
  | Keyword

type Keyword =
  | 'block'
  | 'break'
  | 'continue'
  | 'dot'
  | 'define'
  | 'else'
  | 'end'
  | 'if'
  | 'nil'
  | 'range'
  | 'template'
  | 'with'

export interface Token {
  readonly type: TokenType
  /** Position in the template at which the token begins. */
  readonly at: number
  /** The token's text; for an error, the message. */
  readonly text: string
  /** Line in which the token begins, from 1. */
  readonly line: number
}

/** Words that are not names of functions. */
export const keywords: ReadonlyMap<string, Keyword> = new Map<string, Keyword>([
  ['.', 'dot'],
  ['block', 'block'],
  ['break', 'break'],
  ['continue', 'continue'],
  ['define', 'define'],
  ['else', 'else'],
  ['end', 'end'],
  ['if', 'if'],
  ['nil', 'nil'],
  ['range', 'range'],
  ['template', 'template'],
  ['with', 'with'],
])

const keywordTypes: ReadonlySet<TokenType> = new Set(keywords.values())

/** Returns a token as messages show it. */
export function describe(token: Token): string {
  if (token.type === 'eof') return 'EOF'
  if (token.type === 'error') return token.text
  if (keywordTypes.has(token.type)) return `<${token.text}>`
  if (byteLength(token.text) > 10) return `${quote(Array.from(token.text).slice(0, 10).join(''))}...`
  return quote(token.text)
}
