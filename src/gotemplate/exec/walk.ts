import {indirect} from '../builtin/access.js'
import {printable} from '../builtin/escape.js'
import {isTrue} from '../builtin/truth.js'
import {show} from '../format/printer.js'
import {quote} from '../format/quote.js'
import type {ActionNode, BranchNode, ItemNode, ListNode, TemplateNode} from '../parse/nodes.js'
import {nodeText} from '../parse/nodes.js'
import {type Argument, type GoValue, isSigned, isUnsigned} from '../value/types.js'
import {asElement, elementAt, GoError, Interruption, lengthOf, makeInt, sortedEntries} from '../value/values.js'
import {evaluatePipe} from './evaluate.js'
import {Scope} from './scope.js'

/** Set after `{{break}}` or `{{continue}}`, which skip the rest of a list of nodes. */
type Jump = 'break' | 'continue' | undefined

/** Executes the nodes of a list in order. */
function walkList(scope: Scope, dot: Argument, list: ListNode): Jump {
  for (const node of list.nodes) {
    const jump = walkUnlessInterrupted(scope, dot, node)
    if (jump !== undefined) return jump
  }
  return undefined
}

function walkUnlessInterrupted(scope: Scope, dot: Argument, node: ItemNode): Jump {
  const {onInterruption} = scope.shared
  if (onInterruption === undefined) return walkItem(scope, dot, node)
  const mark = scope.mark()
  try {
    return walkItem(scope, dot, node)
  } catch (error) {
    if (!(error instanceof Interruption)) throw error
    onInterruption(error)
    scope.pop(mark)
    if (node.kind === 'action') {
      const names = node.pipe.declared.map(variable => variable.names[0] ?? '')
      scope.interrupt(names, node.pipe.isAssign, error)
    }
    return undefined
  }
}

function walkItem(scope: Scope, dot: Argument, node: ItemNode): Jump {
  scope.at(node)
  switch (node.kind) {
    case 'text':
      write(scope, node.text)
      return undefined
    case 'action':
      walkAction(scope, dot, node)
      return undefined
    case 'break':
    case 'continue':
      return node.kind
    case 'range':
      return walkRange(scope, dot, node)
    case 'template':
      walkTemplate(scope, dot, node)
      return undefined
    default:
      return walkChoice(scope, dot, node)
  }
}

function write(scope: Scope, text: string): void {
  scope.shared.budget.write(text)
  scope.shared.output.push(text)
}

function walkAction(scope: Scope, dot: Argument, node: ActionNode): void {
  const value = evaluatePipe(scope, dot, node.pipe)
  if (node.pipe.declared.length > 0) return
  scope.at(node)
  const shown = printable(value)
  if (shown?.type.kind === 'func') scope.fail(`can't print ${nodeText(node)} of type ${shown.type.text}`)
  write(scope, show(shown))
}

/** Executes an `if` or `with` action. */
function walkChoice(scope: Scope, dot: Argument, node: BranchNode): Jump {
  const mark = scope.mark()
  const value = evaluatePipe(scope, dot, node.pipe)
  let jump: Jump
  if (isTrue(value)) jump = walkList(scope, node.kind === 'with' ? value : dot, node.list)
  else if (node.elseList !== undefined) jump = walkList(scope, dot, node.elseList)
  scope.pop(mark)
  return jump
}

function walkRange(scope: Scope, dot: Argument, node: BranchNode): Jump {
  const before = scope.mark()
  const {value} = indirect(evaluatePipe(scope, dot, node.pipe))
  const mark = scope.mark()
  let passes = 0
  let jump: Jump
  for (const [index, element] of passesOver(scope, value, node)) {
    passes += 1
    scope.shared.budget.step()
    setVariables(scope, node, index, element)
    jump = walkList(scope, element, node.list)
    scope.pop(mark)
    if (jump === 'break') break
  }
  if (passes === 0 && node.elseList !== undefined) jump = walkList(scope, dot, node.elseList)
  else jump = undefined
  scope.pop(before)
  return jump
}

function setVariables(scope: Scope, {pipe}: BranchNode, index: Argument, element: Argument): void {
  const [first, second] = pipe.declared
  if (first === undefined) return
  if (pipe.isAssign) {
    scope.assign(first.names[0] ?? '', second === undefined ? element : index)
    if (second !== undefined) scope.assign(second.names[0] ?? '', element)
    return
  }
  scope.assignLast(1, element)
  if (second !== undefined) scope.assignLast(2, index)
}

/**
 * Yields the iterations of a loop as pairs: index and element, key and value, or the same number twice for a range over
 * a number.
 */
function* passesOver(scope: Scope, value: Argument, node: BranchNode): Iterable<readonly [Argument, Argument]> {
  if (value === undefined) return
  const {kind, key, elem} = value.type
  if (kind === 'slice' || kind === 'array') {
    for (let i = 0; i < lengthOf(value); i += 1) yield [makeInt(i), elementAt(value, i)]
  } else if (kind === 'map' && key !== undefined && elem !== undefined) {
    for (const entry of sortedEntries(value)) yield [asElement(key, entry.key), asElement(elem, entry.value)]
  } else if (isSigned(kind) || isUnsigned(kind)) {
    yield* numbersBelow(scope, value, node)
  } else scope.fail(`range can't iterate over ${show(value)}`)
}

/** Yields the iterations of a range over a number, which Go has supported since 1.22. */
function* numbersBelow(scope: Scope, value: GoValue, node: BranchNode): Iterable<readonly [Argument, Argument]> {
  if (node.pipe.declared.length > 1) {
    scope.fail(`can't use ${show(value)} to iterate over more than one variable`)
  }
  for (let i = 0n; i < (value.data as bigint); i += 1n) {
    const number = makeInt(i, value.type)
    yield [number, number]
  }
}

function walkTemplate(scope: Scope, dot: Argument, node: TemplateNode): void {
  const {shared} = scope
  const found = shared.definitions.get(node.name)
  if (found === undefined) return scope.fail(`template ${quote(node.name)} not defined`)
  if (scope.depth >= shared.budget.depth) scope.fail(`exceeded maximum template depth (${shared.budget.depth})`)
  const value = evaluatePipe(scope, dot, node.pipe)
  walkList(new Scope(shared, node.name, value, scope.depth + 1), value, found.root)
}

/** Executes one template. If the budget is exceeded, the error names the current node. */
export function walkWhole(scope: Scope, dot: Argument, root: ListNode): void {
  try {
    walkList(scope, dot, root)
  } catch (error) {
    if (error instanceof GoError) scope.fail(error.message, error)
    throw error
  }
}
