import {quote} from '../format/quote.js'
import {byteLength} from '../value/text.js'

/** What the scanner finds in a template. Keywords are tokens of their own. */
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
  /** Where it begins in the template. */
  readonly at: number
  /** Its text; of an error the message. */
  readonly text: string
  /** The line it begins in, from 1. */
  readonly line: number
}

/** The words that are no names of functions. */
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

/** A token as messages name it. */
export function describe(token: Token): string {
  if (token.type === 'eof') return 'EOF'
  if (token.type === 'error') return token.text
  if (keywordTypes.has(token.type)) return `<${token.text}>`
  if (byteLength(token.text) > 10) return `${quote(Array.from(token.text).slice(0, 10).join(''))}...`
  return quote(token.text)
}
