import {isTrue} from '../builtin/truth.js'
import type {
  ArgumentNode,
  ChainNode,
  CommandNode,
  FieldNode,
  IdentifierNode,
  Node,
  NumberNode,
  PipeNode,
  VariableNode,
} from '../parse/nodes.js'
import {nodeText} from '../parse/nodes.js'
import {
  type Argument,
  anyType,
  canBeNil,
  complexType,
  type GoType,
  isSigned,
  isUnsigned,
  rawType,
  type Signature,
} from '../value/types.js'
import {type Call, GoError, makeBool, makeFloat, makeInt, makeString, zeroOf} from '../value/values.js'
import {absent, convert, toParameter, toResult} from './convert.js'
import {findMember} from './member.js'
import type {Scope} from './scope.js'

/** A function or method to call, with its name in errors. */
interface Callee {
  readonly name: string
  readonly signature: Signature
  readonly call: Call
  /** True for Go's own `and` and `or`, which evaluate an argument only if the result depends on it. */
  readonly shortCircuit: boolean
}

/** The context of an expression: the dot, and the value that is piped into it. */
interface Given {
  readonly dot: Argument
  readonly args: readonly ArgumentNode[]
  readonly final: Argument
}

/** Evaluates a pipeline and declares or assigns its variables. */
export function evaluatePipe(scope: Scope, dot: Argument, pipe: PipeNode | undefined): Argument {
  if (pipe === undefined) return undefined
  scope.at(pipe)
  let value: Argument = absent
  for (const command of pipe.commands) {
    value = evaluateCommand(scope, dot, command, value)
    if (value?.type === anyType) value = value.data as Argument
  }
  for (const variable of pipe.declared) {
    const name = variable.names[0] ?? ''
    if (pipe.isAssign) scope.assign(name, value)
    else scope.push(name, value)
  }
  return value
}

function evaluateCommand(scope: Scope, dot: Argument, command: CommandNode, final: Argument): Argument {
  const [first] = command.args
  if (first === undefined) return scope.fail('empty command')
  const given: Given = {dot, args: command.args, final}
  switch (first.kind) {
    case 'field':
      return evaluateField(scope, first, given)
    case 'chain':
      return evaluateChain(scope, first, given)
    case 'identifier':
      return evaluateFunction(scope, first, {...given, node: command})
    case 'pipe':
      refuseArguments(scope, given)
      return evaluatePipe(scope, dot, first)
    case 'variable':
      return evaluateVariable(scope, first, given)
    default:
      scope.at(first)
      refuseArguments(scope, given)
      if (first.kind === 'nil') return scope.fail('nil is not a command')
      return constant(scope, dot, first)
  }
}

function refuseArguments(scope: Scope, {args, final}: Given): void {
  const [first] = args
  if (first !== undefined && (args.length > 1 || final !== absent)) {
    scope.fail(`can't give argument to non-function ${nodeText(first)}`)
  }
}

function constant(scope: Scope, dot: Argument, node: ArgumentNode): Argument {
  switch (node.kind) {
    case 'bool':
      return makeBool(node.value)
    case 'dot':
      return dot
    case 'string':
      return makeString(node.text)
    case 'number':
      return idealNumber(scope, node)
    default:
      return scope.fail(`can't evaluate command ${nodeText(node)}`)
  }
}

/** Evaluates a number where no particular type is required, so that the syntax of the number determines its type. */
function idealNumber(scope: Scope, node: NumberNode): Argument {
  scope.at(node)
  if (node.complex !== undefined) return {type: complexType, data: node.complex}
  const hexInteger = /^0[xX]/.test(node.text) && node.text.length > 2 && !/[pP]/.test(node.text)
  if (node.float !== undefined && !hexInteger && !node.text.startsWith("'") && /[.eEpP]/.test(node.text)) {
    return makeFloat(node.float)
  }
  if (node.int !== undefined) return makeInt(node.int)
  return node.uint === undefined ? undefined : scope.fail(`${node.text} overflows int`)
}

function evaluateField(scope: Scope, field: FieldNode, given: Given): Argument {
  scope.at(field)
  return evaluateNames(scope, {node: field, receiver: given.dot, names: field.names}, given)
}

function evaluateChain(scope: Scope, chain: ChainNode, given: Given): Argument {
  scope.at(chain)
  if (chain.node.kind === 'nil') scope.fail(`indirection through explicit nil in ${nodeText(chain)}`)
  const receiver = evaluateArgument(scope, given.dot, undefined, chain.node)
  return evaluateNames(scope, {node: chain, receiver, names: chain.names}, given)
}

function evaluateVariable(scope: Scope, variable: VariableNode, given: Given): Argument {
  scope.at(variable)
  const [name = '', ...names] = variable.names
  const receiver = scope.read(name)
  if (names.length > 0) return evaluateNames(scope, {node: variable, receiver, names}, given)
  refuseArguments(scope, given)
  return receiver
}

interface Path {
  readonly node: Node
  readonly receiver: Argument
  readonly names: readonly string[]
}

/** Evaluates `.A.B.C`. The last name may be a method with arguments. */
function evaluateNames(scope: Scope, path: Path, given: Given): Argument {
  let {receiver} = path
  for (const [i, name] of path.names.entries()) {
    const last = i === path.names.length - 1
    const here = last ? given : {dot: given.dot, args: [], final: absent}
    const member = findMember(scope, receiver, name, here.args.length > 1 || here.final !== absent)
    receiver =
      member.kind === 'value'
        ? member.value
        : evaluateCall(scope, {...member, name, shortCircuit: false}, {...here, node: path.node})
  }
  return receiver
}

function evaluateFunction(scope: Scope, node: IdentifierNode, given: Given & {node: Node}): Argument {
  scope.at(node)
  const found = scope.shared.functions.get(node.name)
  if (found === undefined) return scope.fail(`"${node.name}" is not a defined function`)
  const shortCircuit = found.out === rawType && (node.name === 'and' || node.name === 'or')
  return evaluateCall(scope, {name: node.name, signature: found, call: found.call, shortCircuit}, given)
}

function evaluateCall(scope: Scope, callee: Callee, given: Given & {node: Node}): Argument {
  const args = given.args.slice(1)
  const values = checkCount(scope, callee, args.length, given.final)
  if (callee.shortCircuit) return evaluateAndOr(scope, callee, {...given, args})
  const types = callee.signature.in
  const typeAt = (i: number): GoType => types[Math.min(i, types.length - 1)] ?? anyType
  const evaluated: Argument[] = args.map((arg, i) =>
    toParameter(typeAt(i), evaluateArgument(scope, given.dot, typeAt(i), arg)),
  )
  if (given.final !== absent) {
    const type = typeAt(values - 1)
    evaluated.push(toParameter(type, convert(scope, given.final, type)))
  }
  for (const value of evaluated) if (typeof value?.data === 'string') countText(scope, value.data)
  let result: Argument
  try {
    result = callee.call(...evaluated)
  } catch (error) {
    if (!(error instanceof GoError)) throw error
    scope.at(given.node)
    return scope.fail(`error calling ${callee.name}: ${error.message}`, error)
  }
  countResult(scope, result?.data)
  return toResult(callee.signature.out, result)
}

/** Long strings and lists count as additional steps, so that a loop that makes them reaches the limit of steps. */
function countResult(scope: Scope, data: unknown): void {
  if (Array.isArray(data)) scope.shared.budget.step(data.length)
  if (typeof data !== 'string') return
  if (data.length > longestText) scope.fail(`the text is longer than ${longestText} characters`)
  countText(scope, data)
}

function countText(scope: Scope, text: string): void {
  if (text.length >= 64) scope.shared.budget.step(Math.floor(text.length / 64))
}

/** Maximum length of a text that a function returns, in characters. */
const longestText = 64 * 1024 * 1024

/** Checks the number of arguments and returns it, including a piped argument. */
function checkCount(scope: Scope, {name, signature}: Callee, args: number, final: Argument): number {
  const values = args + (final === absent ? 0 : 1)
  const wanted = signature.in.length
  if (signature.variadic === true) {
    if (values < wanted - 1) {
      scope.fail(`wrong number of args for ${name}: want at least ${wanted - 1} got ${args}`)
    }
  } else if (values !== wanted) scope.fail(`wrong number of args for ${name}: want ${wanted} got ${values}`)
  return values
}

function evaluateAndOr(scope: Scope, callee: Callee, given: Given): Argument {
  let value: Argument
  for (const arg of given.args) {
    value = evaluateArgument(scope, given.dot, rawType, arg)
    if (isTrue(value) === (callee.name === 'or')) return value
  }
  return given.final === absent ? value : given.final
}

/** Evaluates an argument for a parameter of this type. An undefined type accepts any value. */
function evaluateArgument(scope: Scope, dot: Argument, type: GoType | undefined, node: ArgumentNode): Argument {
  scope.at(node)
  const alone: Given = {dot, args: [], final: absent}
  switch (node.kind) {
    case 'dot':
      return convert(scope, dot, type)
    case 'nil':
      if (type !== undefined && canBeNil(type)) return type === rawType ? undefined : zeroOf(type)
      return scope.fail(`cannot assign nil to ${type?.text ?? '<nil>'}`)
    case 'field':
      return convert(scope, evaluateField(scope, node, alone), type)
    case 'variable':
      return convert(scope, evaluateVariable(scope, node, alone), type)
    case 'pipe':
      return convert(scope, evaluatePipe(scope, dot, node), type)
    case 'identifier':
      return convert(scope, evaluateFunction(scope, node, {...alone, node}), type)
    case 'chain':
      return convert(scope, evaluateChain(scope, node, alone), type)
    default:
      return literal(scope, dot, type ?? anyType, node)
  }
}

/** Evaluates a constant for a parameter of this type. */
function literal(scope: Scope, dot: Argument, type: GoType, node: ArgumentNode): Argument {
  const {kind} = type
  if (type === rawType || type === anyType) {
    scope.at(node)
    return constant(scope, dot, node)
  }
  const wrong = (expected: string): never => scope.fail(`expected ${expected}; found ${nodeText(node)}`)
  if (kind === 'bool') return node.kind === 'bool' ? {type, data: node.value} : wrong('bool')
  if (kind === 'string') return node.kind === 'string' ? {type, data: node.text} : wrong('string')
  const number = node.kind === 'number' ? node : undefined
  if (isSigned(kind)) return number?.int === undefined ? wrong('integer') : {type, data: number.int}
  if (isUnsigned(kind)) return number?.uint === undefined ? wrong('unsigned integer') : {type, data: number.uint}
  if (kind === 'float64' || kind === 'float32') {
    return number?.float === undefined ? wrong('float') : {type, data: number.float}
  }
  if (kind === 'complex128') return number?.complex === undefined ? wrong('complex') : {type, data: number.complex}
  return scope.fail(`can't handle ${nodeText(node)} for arg of type ${type.text}`)
}
