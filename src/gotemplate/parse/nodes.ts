import {quote} from '../format/quote.js'

/** Common part of all nodes. `at` is the position in the text at which the node begins. */
interface At {
  readonly at: number
}

export interface TextNode extends At {
  readonly kind: 'text'
  readonly text: string
}

/** `{{ pipeline }}` */
export interface ActionNode extends At {
  readonly kind: 'action'
  readonly pipe: PipeNode
}

/** `{{if}}`, `{{with}}` or `{{range}}` */
export interface BranchNode extends At {
  readonly kind: 'if' | 'range' | 'with'
  readonly pipe: PipeNode
  readonly list: ListNode
  readonly elseList: ListNode | undefined
}

/** `{{break}}` or `{{continue}}` */
export interface JumpNode extends At {
  readonly kind: 'break' | 'continue'
}

/** `{{template "name" pipeline}}` */
export interface TemplateNode extends At {
  readonly kind: 'template'
  readonly name: string
  readonly pipe: PipeNode | undefined
}

export interface ListNode extends At {
  readonly kind: 'list'
  readonly nodes: ItemNode[]
}

/** A node that a list can contain. */
export type ItemNode = TextNode | ActionNode | BranchNode | JumpNode | TemplateNode

/** The action that ends a list: `{{end}}` or `{{else}}`. */
export interface EndNode extends At {
  readonly kind: 'end' | 'else'
}

/** Commands joined by `|`, and the variables that receive the result. */
export interface PipeNode extends At {
  readonly kind: 'pipe'
  isAssign: boolean
  readonly declared: VariableNode[]
  readonly commands: CommandNode[]
}

/** A function, field or constant, and its arguments. */
export interface CommandNode extends At {
  readonly kind: 'command'
  readonly args: ArgumentNode[]
}

export interface IdentifierNode extends At {
  readonly kind: 'identifier'
  readonly name: string
}

/** `$x.Field`. The variable is the first name. */
export interface VariableNode extends At {
  readonly kind: 'variable'
  readonly names: readonly string[]
}

/** `.Field.Field` */
export interface FieldNode extends At {
  readonly kind: 'field'
  readonly names: readonly string[]
}

/** `(pipeline).Field` */
export interface ChainNode extends At {
  readonly kind: 'chain'
  readonly node: ArgumentNode
  readonly names: readonly string[]
}

export interface DotNode extends At {
  readonly kind: 'dot'
}

export interface NilNode extends At {
  readonly kind: 'nil'
}

export interface BoolNode extends At {
  readonly kind: 'bool'
  readonly value: boolean
}

/** A number, with its value in each numeric type that can represent it. */
export interface NumberNode extends At {
  readonly kind: 'number'
  readonly text: string
  readonly int: bigint | undefined
  readonly uint: bigint | undefined
  readonly float: number | undefined
  readonly complex: {readonly re: number; readonly im: number} | undefined
}

export interface StringNode extends At {
  readonly kind: 'string'
  /** The literal as written, with its quotes. */
  readonly quoted: string
  readonly text: string
}

/** A node that can be a function, field or argument. */
export type ArgumentNode =
  | PipeNode
  | IdentifierNode
  | VariableNode
  | FieldNode
  | ChainNode
  | DotNode
  | NilNode
  | BoolNode
  | NumberNode
  | StringNode

export type Node = ItemNode | ListNode | EndNode | CommandNode | ArgumentNode

/** Returns the source of a node as Go's errors show it, with normalized spaces. */
export function nodeText(node: Node): string {
  switch (node.kind) {
    case 'text':
      return node.text
    case 'action':
      return `{{${nodeText(node.pipe)}}}`
    case 'if':
    case 'range':
    case 'with': {
      const otherwise = node.elseList === undefined ? '' : `{{else}}${nodeText(node.elseList)}`
      return `{{${node.kind} ${nodeText(node.pipe)}}}${nodeText(node.list)}${otherwise}{{end}}`
    }
    case 'break':
    case 'continue':
    case 'end':
    case 'else':
      return `{{${node.kind}}}`
    case 'template':
      return `{{template ${quote(node.name)}${node.pipe === undefined ? '' : ` ${nodeText(node.pipe)}`}}}`
    case 'list':
      return node.nodes.map(nodeText).join('')
    case 'pipe': {
      const declared = node.declared.map(nodeText).join(', ')
      return `${declared === '' ? '' : `${declared} := `}${node.commands.map(nodeText).join(' | ')}`
    }
    case 'command':
      return node.args.map(inParentheses).join(' ')
    default:
      return argumentText(node)
  }
}

function inParentheses(node: ArgumentNode): string {
  return node.kind === 'pipe' ? `(${nodeText(node)})` : nodeText(node)
}

function argumentText(node: Exclude<ArgumentNode, PipeNode>): string {
  switch (node.kind) {
    case 'identifier':
      return node.name
    case 'variable':
      return node.names.join('.')
    case 'field':
      return node.names.map(name => `.${name}`).join('')
    case 'chain':
      return inParentheses(node.node) + node.names.map(name => `.${name}`).join('')
    case 'dot':
      return '.'
    case 'nil':
      return 'nil'
    case 'bool':
      return String(node.value)
    case 'number':
      return node.text
    case 'string':
      return node.quoted
  }
}

/** True if a template consists of white space only, so that another definition may replace it. */
export function isEmptyList(list: ListNode): boolean {
  return list.nodes.every(node => node.kind === 'text' && /^[\s\u0085]*$/.test(node.text))
}
