import {builtinFunctions, type FunctionTable} from './builtin/functions.js'
import {Budget} from './exec/budget.js'
import {type MissingKey, Scope} from './exec/scope.js'
import {walkWhole} from './exec/walk.js'
import {quote} from './format/quote.js'
import {TemplateError} from './parse/errors.js'
import {type Definition, parseText} from './parse/parser.js'
import type {Argument} from './value/types.js'
import type {Interruption} from './value/values.js'

/** Options for parsing a template. */
export interface TemplateOptions {
  /** The template's name in errors. */
  readonly name: string
  /** Start of an action. @default '{{' */
  readonly leftDelimiter?: string
  /** End of an action. @default '}}' */
  readonly rightDelimiter?: string
  /** Names of the functions that the template may call besides Go's own. @default none */
  readonly functions?: Iterable<string>
}

/** Options for executing a template. */
export interface ExecuteOptions {
  /** The functions whose names were given to the parser. @default none */
  readonly functions?: FunctionTable
  /** What a missing map key results in. @default 'default' */
  readonly missingKey?: MissingKey
  /** Limits of the execution. @default a new budget with the default limits */
  readonly budget?: Budget
  /** Name of the template to execute. @default the main template */
  readonly template?: string
  /**
   * Called for interruptions. If a function throws an {@link Interruption}, the action that called the function is
   * skipped with everything inside it. Actions that use a variable that the skipped action would have set are also
   * skipped.
   * @default an interruption ends the execution
   */
  readonly onInterruption?: (interruption: Interruption) => void
}

/** A parsed template, which can be executed any number of times. */
export interface Template {
  readonly name: string
  /** Names of all templates in the text: the main template, and those of `define` and `block`. */
  readonly defined: readonly string[]
  /**
   * Executes the template for a value and returns the text. Throws a {@link TemplateError} with Go's message. Errors of
   * functions that are not a `GoError` are thrown unchanged.
   */
  execute(data: Argument, options?: ExecuteOptions): string
}

/**
 * Reads a template in the language of Go's package text/template. Throws {@link TemplateError} with Go's message.
 *
 * @example
 * ```ts
 * const template = parseTemplate('{{range .}}{{.}};{{end}}', {name: 'list'})
 * template.execute(makeStrings(['a', 'b'])) // => 'a;b;'
 * ```
 */
export function parseTemplate(text: string, options: TemplateOptions): Template {
  const {name, leftDelimiter = '', rightDelimiter = ''} = options
  const functions = new Set([...builtinFunctions.keys(), ...(options.functions ?? [])])
  const delimiters = {left: leftDelimiter, right: rightDelimiter}
  const definitions = nestingLimited(name, () => parseText(text, {name, delimiters, functions}))
  return {
    name,
    defined: [...definitions.keys()],
    execute: (data, how = {}) => execute({name, text}, definitions, data, how),
  }
}

function execute(
  source: {readonly name: string; readonly text: string},
  definitions: ReadonlyMap<string, Definition>,
  data: Argument,
  options: ExecuteOptions,
): string {
  const {functions = new Map(), missingKey = 'default', budget = new Budget(), template = source.name} = options
  const found = definitions.get(template)
  if (found === undefined) {
    const message = `template: no template ${quote(template)} associated with template ${quote(source.name)}`
    throw new TemplateError(message, {template: source.name, line: 0})
  }
  const output: string[] = []
  const table: FunctionTable = new Map([...builtinFunctions, ...functions])
  const {onInterruption} = options
  const shared = {source, definitions, functions: table, missingKey, budget, output}
  const scope = new Scope({...shared, ...(onInterruption && {onInterruption})}, template, data)
  nestingLimited(source.name, () => walkWhole(scope, data, found.root))
  return output.join('')
}

/** Converts a stack overflow by deep nesting, and a string that is too long for JavaScript, into an error. */
function nestingLimited<T>(name: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const what = /string length/i.test(error.message) ? 'a text is too long' : 'nested too deeply'
    throw new TemplateError(`template: ${name}: ${what}`, {template: name, line: 0}, {cause: error})
  }
}
