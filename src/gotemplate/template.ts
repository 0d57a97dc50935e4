import {builtinFunctions, type FunctionTable} from './builtin/functions.js'
import {Budget} from './exec/budget.js'
import {type MissingKey, Scope} from './exec/scope.js'
import {walkWhole} from './exec/walk.js'
import {quote} from './format/quote.js'
import {TemplateError} from './parse/errors.js'
import {type Definition, parseText} from './parse/parser.js'
import type {Argument} from './value/types.js'
import type {Interruption} from './value/values.js'

/** How a template is read. */
export interface TemplateOptions {
  /** The name of the template, which errors tell. */
  readonly name: string
  /** What begins an action. @default '{{' */
  readonly leftDelimiter?: string
  /** What ends an action. @default '}}' */
  readonly rightDelimiter?: string
  /** The names of functions besides Go's own that the template may call. @default none */
  readonly functions?: Iterable<string>
}

/** What a template is executed with. */
export interface ExecuteOptions {
  /** The functions whose names were given when it was read. @default none */
  readonly functions?: FunctionTable
  /** @default 'default' */
  readonly missingKey?: MissingKey
  /** What the execution may use up. @default a new budget with the usual limits */
  readonly budget?: Budget
  /** Which of the text's templates to execute. @default the main one */
  readonly template?: string
  /**
   * Takes interruptions: an action whose function throws an {@link Interruption} is left out with all that is inside,
   * and so is what reads its variables. @default an interruption ends the execution
   */
  readonly onInterruption?: (interruption: Interruption) => void
}

/** A template that has been read. It can be executed any number of times. */
export interface Template {
  readonly name: string
  /** The names of all its templates: the main one, and those of `define` and `block`. */
  readonly defined: readonly string[]
  /** Makes the text for a value. Throws {@link TemplateError} with Go's message. Errors of functions that are not a `GoError` are thrown as they are. */
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

/** A template nested so deeply that the stack ends is an error of the template. */
function nestingLimited<T>(name: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new TemplateError(`template: ${name}: nested too deeply`, {template: name, line: 0}, {cause: error})
  }
}
