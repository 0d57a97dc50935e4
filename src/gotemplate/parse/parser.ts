import {quote} from '../format/quote.js'
import {
  type BranchNode,
  type EndNode,
  type ItemNode,
  isEmptyList,
  type JumpNode,
  type ListNode,
  nodeText,
  type TemplateNode,
} from './nodes.js'
import {PipelineParser} from './pipeline-parser.js'
import {type Delimiters, scan} from './scanner.js'
import {SyntaxErrors} from './syntax-errors.js'
import {TokenReader, TokenSource} from './token-reader.js'
import type {Token} from './tokens.js'
import {unquote} from './unquote.js'

/** A template that a text defines: its main template, or one of its `define` and `block` templates. */
export interface Definition {
  readonly name: string
  readonly root: ListNode
}

/** Input of the parser besides the text. */
export interface ParseContext {
  /** The name of the template, for errors. */
  readonly name: string
  readonly delimiters: Delimiters
  /** Names of the functions that the template may call. */
  readonly functions: ReadonlySet<string>
}

/** Parses a template. Throws a `TemplateError` with Go's message. */
export function parseText(text: string, context: ParseContext): ReadonlyMap<string, Definition> {
  const found = new Map<string, Definition>()
  const source = new TokenSource(scan(text, context.delimiters, context.functions))
  const parser = new Parser(source, context, found)
  parser.define(context.name, parser.whole())
  return found
}

class Parser {
  readonly #source: TokenSource
  readonly #reader: TokenReader
  readonly #context: ParseContext
  readonly #found: Map<string, Definition>
  readonly #errors: SyntaxErrors
  readonly #pipelines: PipelineParser
  #loops = 0

  constructor(source: TokenSource, context: ParseContext, found: Map<string, Definition>) {
    this.#source = source
    this.#reader = new TokenReader(source)
    this.#context = context
    this.#found = found
    this.#errors = new SyntaxErrors(context.name, this.#reader)
    this.#pipelines = new PipelineParser(this.#reader, context.functions, this.#errors)
  }

  define(name: string, root: ListNode): void {
    const before = this.#found.get(name)
    if (before === undefined || isEmptyList(before.root)) this.#found.set(name, {name, root})
    else if (!isEmptyList(root)) this.#errors.fail(`template: multiple definition of template ${quote(name)}`)
  }

  /** Parses the whole text. */
  whole(): ListNode {
    const root: ListNode = {kind: 'list', at: this.#reader.peek().at, nodes: []}
    while (this.#reader.peek().type !== 'eof') {
      if (this.#isDefinition()) {
        new Parser(this.#source, this.#context, this.#found).definition()
        continue
      }
      const node = this.#item()
      if (isEnd(node)) this.#errors.fail(`unexpected ${nodeText(node)}`)
      root.nodes.push(node)
    }
    return root
  }

  #isDefinition(): boolean {
    if (this.#reader.peek().type !== 'leftDelim') return false
    const delimiter = this.#reader.next()
    const token = this.#reader.nextNonSpace()
    if (token.type === 'define') return true
    this.#reader.back(delimiter, token)
    return false
  }

  /** Parses `define "name"` up to its `{{end}}`. The word `define` has been read. */
  definition(): void {
    const where = 'define clause'
    const name = this.#templateName(this.#reader.nextNonSpace(), where)
    this.#expectRightDelim(where)
    this.#body(name, where)
  }

  #body(name: string, where: string): void {
    const {list, end} = this.#list()
    if (end.kind !== 'end') this.#errors.fail(`unexpected ${nodeText(end)} in ${where}`)
    this.define(name, list)
  }

  #list(): {list: ListNode; end: EndNode} {
    const list: ListNode = {kind: 'list', at: this.#reader.peekNonSpace().at, nodes: []}
    while (this.#reader.peekNonSpace().type !== 'eof') {
      const node = this.#item()
      if (isEnd(node)) return {list, end: node}
      list.nodes.push(node)
    }
    return this.#errors.fail('unexpected EOF')
  }

  #item(): ItemNode | EndNode {
    const token = this.#reader.nextNonSpace()
    if (token.type === 'text') return {kind: 'text', at: token.at, text: token.text}
    if (token.type !== 'leftDelim') return this.#errors.unexpected(token, 'input')
    this.#errors.actionLine = token.line
    const node = this.#action()
    this.#errors.actionLine = 0
    return node
  }

  #action(): ItemNode | EndNode {
    const token = this.#reader.nextNonSpace()
    switch (token.type) {
      case 'block':
        return this.#block()
      case 'break':
      case 'continue':
        return this.#jump(token, token.type)
      case 'else':
        return this.#else()
      case 'end':
        return {kind: 'end', at: this.#expectRightDelim('end').at}
      case 'if':
      case 'range':
      case 'with':
        return this.#branch(token.type)
      case 'template':
        return this.#template()
      default:
        this.#reader.back(token)
        return {kind: 'action', at: token.at, pipe: this.#pipelines.pipeline('command', 'rightDelim')}
    }
  }

  #jump(token: Token, kind: 'break' | 'continue'): JumpNode {
    const next = this.#reader.nextNonSpace()
    if (next.type !== 'rightDelim') this.#errors.unexpected(next, `{{${kind}}}`)
    if (this.#loops === 0) this.#errors.fail(`{{${kind}}} outside {{range}}`)
    return {kind, at: token.at}
  }

  /** Parses `{{else}}`, or the first half of `{{else if}}` and `{{else with}}`. */
  #else(): EndNode {
    const next = this.#reader.peekNonSpace()
    if (next.type === 'if' || next.type === 'with') return {kind: 'else', at: next.at}
    return {kind: 'else', at: this.#expectRightDelim('else').at}
  }

  #branch(kind: BranchNode['kind']): BranchNode {
    const scope = this.#pipelines.scope()
    const pipe = this.#pipelines.pipeline(kind, 'rightDelim')
    if (kind === 'range') this.#loops += 1
    const {list, end} = this.#list()
    if (kind === 'range') this.#loops -= 1
    const elseList = end.kind === 'else' ? this.#elseList(kind) : undefined
    this.#pipelines.leave(scope)
    return {kind, at: pipe.at, pipe, list, elseList}
  }

  #elseList(kind: BranchNode['kind']): ListNode {
    const next = this.#reader.peek()
    if (next.type === kind && kind !== 'range') {
      this.#reader.next()
      return {kind: 'list', at: next.at, nodes: [this.#branch(kind)]}
    }
    const {list, end} = this.#list()
    if (end.kind !== 'end') this.#errors.fail(`expected end; found ${nodeText(end)}`)
    return list
  }

  #block(): TemplateNode {
    const where = 'block clause'
    const token = this.#reader.nextNonSpace()
    const name = this.#templateName(token, where)
    const pipe = this.#pipelines.pipeline(where, 'rightDelim')
    const inner = new Parser(this.#source, this.#context, this.#found)
    inner.#body(name, where)
    return {kind: 'template', at: token.at, name, pipe}
  }

  #template(): TemplateNode {
    const where = 'template clause'
    const token = this.#reader.nextNonSpace()
    const name = this.#templateName(token, where)
    const next = this.#reader.nextNonSpace()
    if (next.type === 'rightDelim') return {kind: 'template', at: token.at, name, pipe: undefined}
    this.#reader.back(next)
    return {kind: 'template', at: token.at, name, pipe: this.#pipelines.pipeline(where, 'rightDelim')}
  }

  #templateName(token: Token, where: string): string {
    if (token.type !== 'string' && token.type !== 'rawString') return this.#errors.unexpected(token, where)
    return unquote(token.text) ?? this.#errors.fail('invalid syntax')
  }

  #expectRightDelim(where: string): Token {
    const token = this.#reader.nextNonSpace()
    return token.type === 'rightDelim' ? token : this.#errors.unexpected(token, where)
  }
}

function isEnd(node: ItemNode | EndNode): node is EndNode {
  return node.kind === 'end' || node.kind === 'else'
}
