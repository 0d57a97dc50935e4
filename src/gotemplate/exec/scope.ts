import {type FunctionTable} from '../builtin/functions.js'
import {quote} from '../format/quote.js'
import type {Place} from '../parse/errors.js'
import {TemplateError} from '../parse/errors.js'
import {type Node, nodeText} from '../parse/nodes.js'
import type {Definition} from '../parse/parser.js'
import {byteLength} from '../value/text.js'
import type {Argument} from '../value/types.js'
import type {Interruption} from '../value/values.js'
import type {Budget} from './budget.js'

/** What a missing map key results in: nothing, the zero value of the element type, or an error. */
export type MissingKey = 'default' | 'zero' | 'error'

/** State that all templates of one execution share. */
export interface Shared {
  /** Name and text of the file, for positions in errors. */
  readonly source: {readonly name: string; readonly text: string}
  readonly definitions: ReadonlyMap<string, Definition>
  readonly functions: FunctionTable
  readonly missingKey: MissingKey
  readonly budget: Budget
  readonly output: string[]
  /**
   * Called when an action is interrupted, after which the rest of the template is still executed. Without this
   * callback, an interruption ends the execution.
   */
  readonly onInterruption?: (interruption: Interruption) => void
}

interface Variable {
  readonly name: string
  value: Argument
  /** The interruption that left the variable without a value. */
  interruption?: Interruption | undefined
}

/** State of one template call: its variables, and the current node for errors. */
export class Scope {
  readonly shared: Shared
  readonly depth: number
  readonly #name: string
  readonly #variables: Variable[]
  #node: Node | undefined

  constructor(shared: Shared, name: string, dot: Argument, depth = 0) {
    this.shared = shared
    this.depth = depth
    this.#name = name
    this.#variables = [{name: '$', value: dot}]
  }

  /** Records the current node for errors and counts a step. */
  at(node: Node): void {
    this.#node = node
    this.shared.budget.step()
  }

  mark(): number {
    return this.#variables.length
  }

  pop(mark: number): void {
    this.#variables.length = mark
  }

  push(name: string, value: Argument): void {
    this.#variables.push({name, value})
  }

  /** Assigns a value to the most recently declared variable of this name. */
  assign(name: string, value: Argument): void {
    const variable = this.#find(name)
    variable.value = value
    variable.interruption = undefined
  }

  /** Marks variables as interrupted, so that an action that reads one of them is also interrupted. */
  interrupt(names: readonly string[], isAssign: boolean, interruption: Interruption): void {
    for (const name of names) {
      if (isAssign) this.#find(name).interruption = interruption
      else this.#variables.push({name, value: undefined, interruption})
    }
  }

  /** Assigns a value to the variable that was declared `count`-th from last. */
  assignLast(count: number, value: Argument): void {
    const variable = this.#variables[this.#variables.length - count]
    if (variable !== undefined) variable.value = value
  }

  read(name: string): Argument {
    const {value, interruption} = this.#find(name)
    if (interruption !== undefined) throw interruption
    return value
  }

  #find(name: string): Variable {
    return this.#variables.findLast(variable => variable.name === name) ?? this.fail(`undefined variable: ${name}`)
  }

  /** Fails with an error at the current node, worded as in Go. */
  fail(message: string, cause?: unknown): never {
    if (this.#node === undefined) {
      throw new TemplateError(`template: ${this.#name}: ${message}`, {template: this.#name, line: 0})
    }
    const place = this.#place(this.#node)
    const location = `${place.template}:${place.line}:${place.column ?? 0}`
    const context = nodeText(this.#node)
    throw new TemplateError(
      `template: ${location}: executing ${quote(this.#name)} at <${context}>: ${message}`,
      place,
      cause === undefined ? undefined : {cause},
    )
  }

  #place(node: Node): Place {
    const {name, text} = this.shared.source
    const before = text.slice(0, node.at)
    const lastLine = before.slice(before.lastIndexOf('\n') + 1)
    return {template: name, line: before.split('\n').length, column: byteLength(lastLine)}
  }
}
