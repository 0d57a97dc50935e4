import type {Config} from '@oclif/core/interfaces'
import {consulFlags} from '../cli/flags.js'
import {consulVariables} from '../config/environment.js'
import type {CommandClass, CommandTable} from './command-table.js'

interface Definition {
  readonly type?: string
  readonly default?: unknown
  readonly defaultHelp?: unknown
  readonly helpValue?: unknown
  readonly options?: unknown
}

/** A flag as help and manual show it. */
export interface ShownFlag {
  readonly char?: string
  readonly description?: string
  readonly helpGroup?: string
  readonly helpValue?: string
  readonly options?: readonly string[]
  readonly default?: unknown
  readonly allowNo?: boolean
  readonly hidden?: boolean
}

export interface HelpOptions {
  readonly config: Config
  /** Characters in a line. */
  readonly width: number
}

const [narrowest, widest, usual] = [40, 120, 100]

/** The width of help on a stream: that of a terminal, within reason. */
export const helpWidth = (columns: number | undefined): number =>
  columns === undefined || columns <= 0 ? usual : Math.min(Math.max(columns, narrowest), widest)

/** Help of one command, drawn by oclif from its flags, arguments and examples. */
export async function commandHelp(id: string, command: CommandClass, options: HelpOptions): Promise<string> {
  const {config, width} = options
  const {CommandHelp} = await import('@oclif/core/help')
  const loadable = {
    id,
    aliases: [],
    hiddenAliases: [],
    description: command.description,
    examples: command.examples,
    usage: command.usage ?? `${id} ${usageOf(command)}`,
    strict: command.strict,
    hidden: command.hidden,
    args: await named(command.args),
    flags: await shownFlags(command),
  }
  const drawn = new CommandHelp(loadable as never, config, {
    maxWidth: width,
    stripAnsi: false,
    docopts: false,
  }).generate()
  const notes = units.filter(({word}) => drawn.includes(word)).map(({text}) => text)
  if (talksToConsul(command)) notes.push(connectionNote)
  return [command.summary ?? '', drawn, ...notes.map(text => wrap(text, width))].join('\n\n')
}

/** The flags of a command with the texts that help and manual show, but for those of the connection. */
export async function shownFlags(command: CommandClass): Promise<Readonly<Record<string, ShownFlag>>> {
  const json = command.enableJsonFlag
    ? {json: {type: 'boolean', description: 'print the result as one JSON object', helpGroup: 'COMMON', allowNo: false}}
    : {}
  const flags = await named({...json, ...withoutConnection(command.baseFlags), ...command.flags})
  return flags as Readonly<Record<string, ShownFlag>>
}

/** What follows the name of a command. */
export const usageOf = (command: CommandClass): string =>
  `${usageWords(command)}[FLAGS]${command.childForm ? ' [-- PROGRAM ARG...]' : ''}`

export const talksToConsul = ({baseFlags}: CommandClass): boolean => Object.hasOwn(baseFlags, 'token-file')

export const connectionNote =
  "The agent is named by --http-addr or CONSUL_HTTP_ADDR. 'baton help connection' shows all flags and variables of the connection."

/** The flags that each command for Consul takes have a page of their own; what a command redefines stays on its page. */
const withoutConnection = (flags: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(flags).filter(([name]) => !Object.hasOwn(consulFlags, name)))

/** The page of the connection flags, each with its variable. */
export function connectionHelp(width: number): string {
  const variables = new Map(Object.entries(consulVariables).map(([variable, name]) => [name as string, variable]))
  const rows = Object.entries(consulFlags).map(([name, {description, ...flag}]): readonly [string, string] => {
    const variable = variables.get(name)
    const value = flag.type === 'boolean' ? '' : `=${String(flag.helpValue ?? valueName(name))}`
    return [`--${name}${value}`, `${description ?? ''}${variable === undefined ? '' : ` [${variable}]`}`]
  })
  const more: readonly (readonly [string, string])[] = [
    ['CONSUL_HTTP_AUTH', 'user:password for a proxy in front of the agent'],
    ['CONSUL_HTTP_SSL', 'true: TLS although the address says http'],
    ['CONSUL_HTTP_SSL_VERIFY', 'false: accept any certificate'],
  ]
  return [
    'how commands reach Consul',
    `CONNECTION FLAGS\n${toList(rows, width)}`,
    `VARIABLES WITHOUT A FLAG\n${toList(more, width)}`,
    wrap(settingsNote, width),
  ].join('\n\n')
}

const settingsNote =
  'A flag wins over its variable BATON_FLAG_NAME (BATON_HTTP_ADDR), that over the variable of Consul, that over a file given with --config. Variables of proxies (HTTP_PROXY and the like) are not used.'

export const exitNote =
  'Exit codes: 0 done, 64 wrong usage, 69 Consul cannot be reached, 70 a bug in baton, 77 permission denied; others belong to a command.'

/** What the names of values mean, shown where they are used. */
export const units = [
  {word: 'DURATION', text: 'DURATION is a number with a unit: 300ms, 15s, 1h30m.'},
  {word: 'RE2', text: 'RE2 is a regular expression that matches anywhere in the name, unless ^ and $ say otherwise.'},
]

/** The command's own arguments as they are typed. */
function usageWords(command: CommandClass): string {
  const words = Object.entries(command.args).map(([name, arg]) =>
    arg.required ? name.toUpperCase() : `[${name.toUpperCase()}]`,
  )
  return words.map(word => `${word} `).join('')
}

/** Definitions as the help needs them: each with its name, the default that is shown, and a name for its value. */
async function named(definitions: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const shown: Record<string, unknown> = {}
  for (const [name, definition] of Object.entries(definitions)) {
    const {default: fallback, defaultHelp, ...rest} = definition as Definition
    const value = typeof defaultHelp === 'function' ? await (defaultHelp as () => Promise<unknown>)() : fallback
    const isUnnamed = rest.type === 'option' && rest.helpValue === undefined && rest.options === undefined
    shown[name] = {
      ...rest,
      name,
      ...(isUnnamed && {helpValue: valueName(name)}),
      ...(value !== undefined && typeof value !== 'function' && {default: value}),
    }
  }
  return shown
}

/** `--token-file=FILE`: the last part of the flag's name. */
const valueName = (flag: string): string => flag.slice(flag.lastIndexOf('-') + 1).toUpperCase()

/** The list of commands, those of one topic when one is named. */
export async function topicHelp(table: CommandTable, topic: string, {config, width}: HelpOptions): Promise<string> {
  const ids = Object.keys(table).filter(id => topic === '' || id === topic || id.startsWith(`${topic} `))
  const rows: (readonly [string, string])[] = []
  for (const id of ids.sort()) {
    const loaded = await table[id]?.()
    if (loaded && !loaded.default.hidden) rows.push([id, loaded.default.summary ?? ''])
  }
  const title = `baton ${config.version}: locks, remote execution and replication on Consul`
  const head = topic === '' ? `${wrap(title, width)}\n\n` : ''
  const usage = topic === '' ? 'COMMAND' : `${topic} COMMAND`
  const notes = ["'baton help COMMAND' shows flags and examples, 'baton help connection' how commands reach Consul."]
  if (topic === '') notes.push(exitNote)
  return `${head}usage: baton ${usage}\n\n${toList(rows, width)}\n\n${notes.map(text => wrap(text, width)).join('\n\n')}`
}

/** Two columns; long texts of the second continue in that column. */
function toList(rows: readonly (readonly [string, string])[], width: number): string {
  const first = Math.max(0, ...rows.map(([name]) => name.length)) + 4
  return rows
    .map(
      ([name, text]) =>
        `  ${name}`.padEnd(first) + wrap(text, Math.max(width - first, 20)).replaceAll('\n', `\n${' '.repeat(first)}`),
    )
    .join('\n')
}

/** Breaks a text between words, at most `width` characters in a line where words allow it. */
export function wrap(text: string, width: number): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.join('\n')
}
