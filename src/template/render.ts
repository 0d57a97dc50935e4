import {realpathSync} from 'node:fs'
import {relative, resolve} from 'node:path'
import {UsageError} from '../core/errors.js'
import {readInputSync} from '../core/input.js'
import type {FunctionTable, TemplateFunction} from '../gotemplate/builtin/functions.js'
import {Budget, type BudgetLimits} from '../gotemplate/exec/budget.js'
import {TemplateError} from '../gotemplate/parse/errors.js'
import {parseTemplate, type Template} from '../gotemplate/template.js'
import {decodeText, encodeText} from '../gotemplate/value/text.js'
import type {Argument} from '../gotemplate/value/types.js'
import {anyType, stringType} from '../gotemplate/value/types.js'
import {GoError, Interruption, makeString} from '../gotemplate/value/values.js'
import type {Dependency} from './dependency.js'
import {dataFunctions} from './functions/data.js'
import {define, textOf} from './functions/define.js'
import {pluginFunction} from './functions/plugin.js'
import {pureFunctions, type Surroundings, surroundingFunctions} from './functions/pure.js'
import {refusedFunctions} from './functions/refused.js'
import {scratchFunction} from './functions/scratch.js'
import type {Store} from './store.js'
import type {Missing, TemplateSyntax} from './types.js'

/** The result of one rendering. */
export type Rendering =
  | {readonly kind: 'complete'; readonly bytes: Uint8Array; readonly used: ReadonlySet<string>}
  | {readonly kind: 'incomplete'; readonly missing: readonly Missing[]; readonly used: ReadonlySet<string>}
  | {readonly kind: 'failed'; readonly error: Error; readonly used: ReadonlySet<string>}

/** The data and limits of a rendering. */
export interface RenderContext {
  readonly store: Store
  readonly surroundings: Surroundings
  /** @default the limits of {@link Budget} */
  readonly limits?: BudgetLimits
}

/** A parsed template that can be rendered repeatedly. */
export interface RenderedFile {
  /**
   * Executes the template with the data that was read so far. A value that has not been read interrupts only the action
   * that uses it, so that one rendering finds as many dependencies as possible.
   */
  render(context: RenderContext): Rendering
}

const functionNames = ((): readonly string[] => {
  const source = {need: () => unreachable(), absent: () => unreachable()}
  const surroundings = {now: () => 0, env: {}}
  return [
    ...pureFunctions.keys(),
    ...surroundingFunctions(surroundings).keys(),
    ...dataFunctions(source).keys(),
    ...refusedFunctions.map(([name]) => name),
    'scratch',
    'executeTemplate',
    'file',
    'plugin',
  ]
})()

function unreachable(): never {
  throw new GoError('nothing to read from')
}

/** Parses a template. Throws a UsageError with Go's message if it is invalid. */
export function readTemplate(name: string, text: string, syntax: TemplateSyntax = {}): RenderedFile {
  const {leftDelimiter = '{{', rightDelimiter = '}}'} = syntax
  try {
    const template = parseTemplate(text, {name, leftDelimiter, rightDelimiter, functions: functionNames})
    return {render: context => new Pass(template, syntax, context).run()}
  } catch (error) {
    throw error instanceof TemplateError ? wrongTemplate(error) : error
  }
}

function wrongTemplate(error: TemplateError): UsageError {
  return new UsageError(error.message, {code: 'BATON_CONFIG', cause: error, details: {...error.place}})
}

/** One execution of a template, which collects the data that the template uses and misses. */
class Pass {
  readonly #template: Template
  readonly #syntax: TemplateSyntax
  readonly #context: RenderContext
  readonly #missing = new Map<string, string>()
  readonly #used = new Set<string>()
  readonly #budget: Budget
  readonly #functions: FunctionTable
  #isInterrupted = false

  constructor(template: Template, syntax: TemplateSyntax, context: RenderContext) {
    this.#template = template
    this.#syntax = syntax
    this.#context = context
    this.#budget = new Budget(context.limits)
    this.#functions = this.#table()
  }

  run(): Rendering {
    const used = this.#used
    try {
      const text = this.#execute(undefined)
      if (!this.#isInterrupted) return {kind: 'complete', bytes: encodeText(text), used}
    } catch (error) {
      // Missing data may be the cause of an error in the template.
      if (!this.#isInterrupted) {
        return {kind: 'failed', error: error instanceof TemplateError ? wrongTemplate(error) : (error as Error), used}
      }
    }
    const missing = Array.from(this.#missing, ([name, why]) => ({name, why}))
    return {kind: 'incomplete', missing, used}
  }

  #execute(data: Argument, template?: string): string {
    return this.#template.execute(data, {
      functions: this.#functions,
      missingKey: this.#syntax.errorOnMissingKey === true ? 'error' : 'zero',
      budget: this.#budget,
      ...(template !== undefined && {template}),
      onInterruption: () => {
        this.#isInterrupted = true
      },
    })
  }

  #table(): FunctionTable {
    const source = {
      need: <T>(dependency: Dependency<T>): T => this.#need(dependency),
      absent: (dependency: Dependency): never => this.#interrupt(dependency.name, 'it does not exist'),
    }
    const table = new Map<string, TemplateFunction>([
      ...pureFunctions,
      ...surroundingFunctions(this.#context.surroundings),
      ...dataFunctions(source),
      ...refusedFunctions,
      ['scratch', scratchFunction()],
      ['plugin', pluginFunction(this.#context.surroundings.env)],
      ['file', define('string', 'string', path => this.#file(textOf(path)))],
      [
        'executeTemplate',
        {
          in: [stringType, anyType],
          variadic: true,
          out: stringType,
          call: (name, ...data) => this.#executeNamed(textOf(name), data),
        },
      ],
    ])
    for (const pattern of this.#syntax.deniedFunctions ?? []) {
      const isDenied = new RegExp(`^${pattern.replace(/[^\w*]/g, '').replaceAll('*', '.*')}$`)
      for (const name of table.keys()) if (isDenied.test(name)) table.set(name, denied)
    }
    return table
  }

  #need<T>(dependency: Dependency<T>): T {
    const {store} = this.#context
    this.#used.add(dependency.name)
    const found = store.read(dependency)
    return found.known ? found.value : this.#interrupt(dependency.name, store.why(dependency.name))
  }

  #interrupt(name: string, why: string): never {
    this.#missing.set(name, why)
    this.#isInterrupted = true
    throw new Interruption(name)
  }

  #file(path: string): Argument {
    const name = `file(${path})`
    checkSandbox(this.#syntax.sandbox, path)
    this.#used.add(name)
    this.#context.store.watchFile(name, path)
    try {
      return makeString(decodeText(readInputSync(path)))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return this.#interrupt(name, 'it does not exist')
      throw new GoError(error instanceof Error ? error.message : String(error))
    }
  }

  #executeNamed(name: string, data: readonly Argument[]): Argument {
    if (!this.#template.defined.includes(name)) {
      throw new GoError(`template ${JSON.stringify(name)} not defined`)
    }
    return makeString(this.#execute(data[0], name))
  }
}

/** Throws if a path is outside the folder, even if only a symbolic link leads there. */
function checkSandbox(sandbox: string | undefined, path: string): void {
  if (sandbox === undefined || sandbox === '') return
  const real = (one: string): string => {
    try {
      return realpathSync(one)
    } catch {
      return resolve(one)
    }
  }
  const way = relative(real(sandbox), real(path))
  if (way === '..' || way.startsWith('../')) throw new GoError(`'${path}' is outside of sandbox`)
}

const denied: TemplateFunction = {
  in: [anyType],
  variadic: true,
  out: anyType,
  call: () => {
    throw new GoError('function is disabled')
  },
}
