import {quote} from '../format/quote.js'
import type {ArgumentNode, CommandNode, PipeNode, VariableNode} from './nodes.js'
import {nodeText} from './nodes.js'
import {NumberError, parseNumber} from './number.js'
import type {SyntaxErrors} from './syntax-errors.js'
import type {TokenReader} from './token-reader.js'
import type {Token, TokenType} from './tokens.js'
import {unquote} from './unquote.js'

const operands: ReadonlySet<TokenType> = new Set<TokenType>([
  'bool',
  'charConstant',
  'complex',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'rawString',
  'string',
  'variable',
  'leftParen',
])

const constants: ReadonlySet<ArgumentNode['kind']> = new Set(['bool', 'dot', 'nil', 'number', 'string'] as const)

/** Parses pipelines, the content of actions. */
export class PipelineParser {
  readonly #reader: TokenReader
  readonly #functions: ReadonlySet<string>
  readonly #errors: SyntaxErrors
  /** Names of the variables in scope. */
  #variables = ['$']

  constructor(reader: TokenReader, functions: ReadonlySet<string>, errors: SyntaxErrors) {
    this.#reader = reader
    this.#functions = functions
    this.#errors = errors
  }

  /** Returns the number of variables in scope, to pass to {@link leave}. */
  scope(): number {
    return this.#variables.length
  }

  leave(scope: number): void {
    this.#variables = this.#variables.slice(0, scope)
  }

  /** Parses a pipeline up to and including its end token. */
  pipeline(where: string, end: TokenType): PipeNode {
    const pipe: PipeNode = {
      kind: 'pipe',
      at: this.#reader.peekNonSpace().at,
      isAssign: false,
      declared: [],
      commands: [],
    }
    while (this.#declaration(pipe, where));
    for (;;) {
      const token = this.#reader.nextNonSpace()
      if (token.type === end) break
      if (!operands.has(token.type)) this.#errors.unexpected(token, where)
      this.#reader.back(token)
      pipe.commands.push(this.#command())
    }
    this.#check(pipe, where)
    return pipe
  }

  /** Parses a variable before `:=`, `=` or `,`. Returns true if another variable must follow. */
  #declaration(pipe: PipeNode, where: string): boolean {
    const token = this.#reader.peekNonSpace()
    if (token.type !== 'variable') return false
    this.#reader.next()
    const after = this.#reader.peek()
    const next = this.#reader.peekNonSpace()
    if (next.type === 'assign' || next.type === 'declare') {
      pipe.isAssign = next.type === 'assign'
      this.#reader.nextNonSpace()
      this.#declare(pipe, token)
      return false
    }
    if (next.type === 'char' && next.text === ',') {
      this.#reader.nextNonSpace()
      this.#declare(pipe, token)
      return this.#secondVariable(pipe, where)
    }
    if (after.type === 'space') this.#reader.back(token, after)
    else this.#reader.back(token)
    return false
  }

  #secondVariable(pipe: PipeNode, where: string): boolean {
    if (where === 'range' && pipe.declared.length < 2) {
      if (['variable', 'rightDelim', 'rightParen'].includes(this.#reader.peekNonSpace().type)) return true
      this.#errors.fail('range can only initialize variables')
    }
    return this.#errors.fail(`too many declarations in ${where}`)
  }

  #declare(pipe: PipeNode, token: Token): void {
    pipe.declared.push(variable(token))
    this.#variables.push(token.text)
  }

  #check(pipe: PipeNode, where: string): void {
    if (pipe.commands.length === 0) this.#errors.fail(`missing value for ${where}`)
    for (const [i, command] of pipe.commands.entries()) {
      const first = command.args[0]
      if (i > 0 && first !== undefined && constants.has(first.kind)) {
        this.#errors.fail(`non executable command in pipeline stage ${i + 1}`)
      }
    }
  }

  #command(): CommandNode {
    const command: CommandNode = {kind: 'command', at: this.#reader.peekNonSpace().at, args: []}
    for (;;) {
      this.#reader.back(this.#reader.nextNonSpace())
      const operand = this.#operand()
      if (operand !== undefined) command.args.push(operand)
      const token = this.#reader.next()
      if (token.type === 'space') continue
      if (token.type === 'rightDelim' || token.type === 'rightParen') this.#reader.back(token)
      else if (token.type !== 'pipe') this.#errors.unexpected(token, 'operand')
      break
    }
    if (command.args.length === 0) this.#errors.fail('empty command')
    return command
  }

  /** Parses a term and the fields after it. */
  #operand(): ArgumentNode | undefined {
    const term = this.#term()
    if (term === undefined || this.#reader.peek().type !== 'field') return term
    const {at} = this.#reader.peek()
    const names: string[] = []
    while (this.#reader.peek().type === 'field') names.push(this.#reader.next().text.slice(1))
    if (term.kind === 'field' || term.kind === 'variable') {
      return {kind: term.kind, at, names: [...term.names, ...names]}
    }
    if (constants.has(term.kind)) this.#errors.fail(`unexpected . after term ${quote(nodeText(term))}`)
    return {kind: 'chain', at, node: term, names}
  }

  #term(): ArgumentNode | undefined {
    const token = this.#reader.nextNonSpace()
    const {at, text} = token
    switch (token.type) {
      case 'identifier':
        if (!this.#functions.has(text)) this.#errors.fail(`function ${quote(text)} not defined`)
        return {kind: 'identifier', at, name: text}
      case 'dot':
      case 'nil':
        return {kind: token.type, at}
      case 'variable':
        return this.#known(variable(token))
      case 'field':
        return {kind: 'field', at, names: [text.slice(1)]}
      case 'bool':
        return {kind: 'bool', at, value: text === 'true'}
      case 'charConstant':
      case 'complex':
      case 'number':
        return this.#number(token, token.type)
      case 'leftParen':
        return this.pipeline('parenthesized pipeline', 'rightParen')
      case 'string':
      case 'rawString':
        return {kind: 'string', at, quoted: text, text: unquote(text) ?? this.#errors.fail('invalid syntax')}
      default:
        this.#reader.back(token)
        return undefined
    }
  }

  #known(node: VariableNode): VariableNode {
    const name = node.names[0] ?? ''
    if (!this.#variables.includes(name)) this.#errors.fail(`undefined variable ${quote(name)}`)
    return node
  }

  #number(token: Token, type: 'charConstant' | 'complex' | 'number'): ArgumentNode {
    try {
      return parseNumber(token.text, type, token.at)
    } catch (error) {
      if (error instanceof NumberError) this.#errors.fail(error.message)
      throw error
    }
  }
}

function variable(token: Token): VariableNode {
  return {kind: 'variable', at: token.at, names: [token.text]}
}
