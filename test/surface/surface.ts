import {commonFlags, consulFlags} from '../../src/cli/flags.js'
import {watchFlags} from '../../src/cli/watch/watch-command.js'
import type {CommandClass} from '../../src/main/command-table.js'

type Definitions = Readonly<Record<string, object>>

interface Definition {
  readonly type?: string
  readonly char?: string
  readonly aliases?: readonly string[]
  readonly options?: readonly string[]
  readonly multiple?: boolean
  readonly required?: boolean
  readonly allowNo?: boolean
  readonly hidden?: boolean
  readonly bare?: string
  readonly exclusive?: readonly string[]
  readonly dependsOn?: readonly string[]
  readonly default?: unknown
  readonly defaultHelp?: unknown
}

/** Flags that many commands share. They are listed only once. */
const shared: Readonly<Record<string, Definitions>> = {common: commonFlags, consul: consulFlags, watch: watchFlags}

/**
 * Returns the parts of all commands on which people and scripts depend: names, types, defaults and arguments, but no
 * descriptions.
 */
export async function describeSurface(commands: ReadonlyMap<string, CommandClass>): Promise<object> {
  const described: Record<string, object> = {}
  for (const [id, command] of [...commands].sort(([a], [b]) => (a < b ? -1 : 1)))
    described[id] = await describeCommand(command)
  const sets: Record<string, object> = {}
  for (const [name, flags] of Object.entries(shared)) sets[name] = await describeAll(flags)
  return {shared: sets, commands: described}
}

async function describeCommand(command: CommandClass): Promise<object> {
  const all: Definitions = {...command.baseFlags, ...command.flags}
  const own = {...all}
  const sets: string[] = []
  for (const [name, flags] of Object.entries(shared)) {
    if (!Object.keys(flags).every(flag => flag in all)) continue
    sets.push(name)
    // A flag that a command redefines belongs to that command.
    for (const [flag, definition] of Object.entries(flags))
      if (all[flag] === definition) Reflect.deleteProperty(own, flag)
  }
  const {childForm} = command
  return {
    shared: sets,
    json: command.enableJsonFlag,
    ...(!command.strict && {strict: false}),
    ...(childForm && {child: childForm}),
    args: await describeAll(command.args),
    flags: await describeAll(own),
  }
}

async function describeAll(definitions: Definitions): Promise<Record<string, object>> {
  const described: Record<string, object> = {}
  for (const name of Object.keys(definitions).sort()) described[name] = await describe(definitions[name] ?? {})
  return described
}

async function describe(definition: Definition): Promise<object> {
  const {type, char, aliases, options, bare, exclusive, dependsOn, defaultHelp} = definition
  const shown = typeof defaultHelp === 'function' ? await (defaultHelp as () => Promise<unknown>)() : definition.default
  return {
    type,
    char,
    ...(shown !== undefined && typeof shown !== 'function' && {default: shown}),
    ...(aliases?.length && {aliases}),
    options,
    bare,
    exclusive,
    dependsOn,
    ...Object.fromEntries(
      (['multiple', 'required', 'allowNo', 'hidden'] as const).flatMap(name =>
        definition[name] ? [[name, true]] : [],
      ),
    ),
  }
}

/** Returns JSON with one line for each flag, so that a change to a flag is a change to one line. */
export function surfaceText(surface: object): string {
  const write = (value: unknown, margin: string, depth: number): string => {
    const isLeaf = typeof value !== 'object' || value === null || Array.isArray(value) || depth === 0
    if (isLeaf) return JSON.stringify(value)
    const fields = Object.entries(value).filter(([, field]) => field !== undefined)
    if (fields.length === 0) return '{}'
    const deeper = `${margin}  `
    const lines = fields.map(([name, field]) => `${deeper}${JSON.stringify(name)}: ${write(field, deeper, depth - 1)}`)
    return `{\n${lines.join(',\n')}\n${margin}}`
  }
  return `${write(surface, '', 4)}\n`
}
