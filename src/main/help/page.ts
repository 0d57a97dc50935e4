import {exitRows, talksToConsul} from '../../cli/exit-meanings.js'
import {consulFlags} from '../../cli/flags.js'
import {flagOnly} from '../../cli/settings.js'
import {consulVariables} from '../../config/environment.js'
import type {CommandClass, CommandTable} from '../command-table.js'
import {pageOf} from './groups.js'
import type {Row} from './layout.js'

export type Section =
  | {readonly title: string; readonly kind: 'rows'; readonly rows: readonly Row[]}
  | {readonly title: string; readonly kind: 'text'; readonly paragraphs: readonly string[]}
  | {readonly title: string; readonly kind: 'commands'; readonly lines: readonly string[]}

/** The content of a command's help, and of its page in the manual. */
export interface Page {
  /** Name of the command, such as `baton kv get`. */
  readonly name: string
  readonly summary: string
  readonly sections: readonly Section[]
}

interface Definition {
  readonly type?: string
  readonly char?: string
  readonly description?: string
  readonly helpGroup?: string
  readonly helpValue?: string
  readonly options?: readonly string[]
  readonly default?: unknown
  readonly defaultHelp?: unknown
  readonly allowNo?: boolean
  readonly hidden?: boolean
  readonly multiple?: boolean
}

/** Returns the page of a command, made only from what the command class declares: flags, arguments, exit codes. */
export async function commandPage(id: string, command: CommandClass, table: CommandTable): Promise<Page> {
  const flags = await flagSections(command)
  const values = valueNotes.filter(({term}) => flags.some(({rows}) => rows.some(row => row.term.includes(term))))
  const sections: readonly Section[] = [
    {title: 'USAGE', kind: 'commands', lines: usageLines(id, command).map(line => `baton ${line}`)},
    {title: 'DESCRIPTION', kind: 'text', paragraphs: (command.description ?? '').split('\n\n')},
    {title: 'ARGUMENTS', kind: 'rows', rows: argumentRows(command)},
    ...flags,
    {title: 'VALUES', kind: 'rows', rows: values},
    {
      title: 'EXIT CODES',
      kind: 'rows',
      rows: exitRows(command).map(({label, meaning}) => ({term: label, text: meaning})),
    },
    {title: 'EXAMPLES', kind: 'commands', lines: command.examples.map(exampleText)},
    {title: 'SUB-COMMANDS', kind: 'rows', rows: await subCommands(id, table)},
    {title: 'SEE ALSO', kind: 'rows', rows: seeAlso(id, command)},
  ]
  return {name: `baton ${id}`, summary: command.summary ?? '', sections: sections.filter(isFilled)}
}

function isFilled(section: Section): boolean {
  if (section.kind === 'rows') return section.rows.length > 0
  return (section.kind === 'text' ? section.paragraphs : section.lines).some(text => text !== '')
}

const exampleText = (example: CommandClass['examples'][number]): string =>
  (typeof example === 'string' ? example : example.command).replaceAll('<%= config.bin %>', 'baton')

/** Returns the command lines of a command, without `baton`. */
function usageLines(id: string, command: CommandClass): readonly string[] {
  if (command.usage !== undefined) return [command.usage].flat()
  const words = Object.entries(command.args).map(([name, arg]) =>
    arg.required ? name.toUpperCase() : `[${name.toUpperCase()}]`,
  )
  return [[id, ...words, '[FLAGS]', ...(command.childForm ? ['[-- PROGRAM ARG...]'] : [])].join(' ')]
}

const argumentRows = (command: CommandClass): readonly Row[] =>
  Object.entries(command.args).map(([name, arg]) => {
    const {description = '', options, default: fallback} = arg as Definition
    return {term: name.toUpperCase(), text: withFacts(description, {options, shown: fallback, variable: undefined})}
  })

interface FlagSection {
  readonly title: string
  readonly kind: 'rows'
  readonly rows: readonly Row[]
}

/**
 * Returns the flags by group. Flags that every command has come last. The connection flags have a page of their own.
 */
async function flagSections(command: CommandClass): Promise<readonly FlagSection[]> {
  const groups = new Map<string, [string, Definition][]>()
  const ownFlags = new Map<string, Definition>([
    ...Object.entries(withoutConnection(command.baseFlags)),
    ...(command.enableJsonFlag ? [['json', jsonFlag] as const] : []),
    ...Object.entries({...command.flags} as Readonly<Record<string, Definition>>),
  ])
  for (const [name, flag] of ownFlags) {
    if (flag.hidden === true) continue
    const {helpGroup = ''} = flag
    groups.set(helpGroup, [...(groups.get(helpGroup) ?? []), [name, flag]])
  }
  const titles = [...groups.keys()].sort((a, b) => Number(a === common) - Number(b === common))
  return Promise.all(titles.map(async title => flagSection(title, groups.get(title) ?? [])))
}

async function flagSection(title: string, flags: readonly (readonly [string, Definition])[]): Promise<FlagSection> {
  const hasShort = flags.some(([, {char}]) => char !== undefined)
  const rows = flags.map(async ([name, flag]): Promise<Row> => {
    const short = flag.char === undefined ? (hasShort ? '    ' : '') : `-${flag.char}, `
    const value = flag.type === 'boolean' ? undefined : valueOf(name, flag)
    const sign = `${short}--${flag.allowNo === true ? '[no-]' : ''}${name}${value === undefined ? '' : `=${value}`}`
    const {description = '', options} = flag
    const facts = {
      options: value === options?.join('|') ? undefined : options,
      shown: await shownDefault(flag),
      variable: flagOnly.has(name) ? undefined : variableOf(name),
    }
    return {term: sign, text: withFacts(description, facts)}
  })
  return {title: `${title} FLAGS`.trim(), kind: 'rows', rows: await Promise.all(rows)}
}

const common = 'COMMON'
const jsonFlag: Definition = {type: 'boolean', description: 'print the result as JSON', helpGroup: common}
const longestChoice = 24

/**
 * Returns a name for the flag's value: the name that the flag defines, its choices if they are short, or the last part
 * of the flag's name.
 */
function valueOf(name: string, {helpValue, options}: Definition): string {
  const choices = options?.join('|') ?? ''
  if (helpValue !== undefined) return helpValue
  return choices !== '' && choices.length <= longestChoice
    ? choices
    : name.slice(name.lastIndexOf('-') + 1).toUpperCase()
}

async function shownDefault({default: fallback, defaultHelp}: Definition): Promise<unknown> {
  return typeof defaultHelp === 'function' ? (defaultHelp as () => Promise<unknown>)() : fallback
}

interface Facts {
  readonly options: readonly string[] | undefined
  readonly shown: unknown
  readonly variable: string | undefined
}

function withFacts(description: string, {options, shown, variable}: Facts): string {
  const hasDefault = (typeof shown === 'string' && shown !== '') || typeof shown === 'number'
  const facts = [
    ...(options === undefined ? [] : [`choices: ${options.join(', ')}`]),
    ...(hasDefault ? [`default: ${String(shown)}`] : []),
    ...(variable === undefined ? [] : [`env: ${variable}`]),
  ]
  return facts.length === 0 ? description : `${description} [${facts.join('; ')}]`
}

/** Returns the environment variable that also sets the flag. */
const variableOf = (flag: string): string => `BATON_${flag.toUpperCase().replaceAll('-', '_')}`

/** Removes the connection flags, except those that the command redefines. */
const withoutConnection = (flags: object): Readonly<Record<string, Definition>> =>
  Object.fromEntries(Object.entries(flags).filter(([name]) => !Object.hasOwn(consulFlags, name)))

/** Meanings of the placeholders for the values of flags, such as DURATION. A page shows those that it uses. */
const valueNotes: readonly Row[] = [
  {term: 'DURATION', text: 'a number with a unit: 300ms, 15s, 1h30m'},
  {term: 'RE2', text: 'a regular expression that matches anywhere in the name; ^web-1$ is one name'},
  {term: 'SIZE', text: 'bytes, or a number with K, M or G: 64K, 10M'},
]

/** Returns the sub-commands of this command. */
export async function subCommands(id: string, table: CommandTable): Promise<readonly Row[]> {
  const ids = Object.keys(table).filter(name => name.startsWith(`${id} `))
  const rows = ids.sort().map(async name => ({name, command: (await table[name]?.())?.default}))
  return (await Promise.all(rows)).flatMap(({name, command}) =>
    command === undefined || command.hidden ? [] : [{term: name, text: command.summary ?? ''}],
  )
}

const seeAlso = (id: string, command: CommandClass): readonly Row[] => [
  ...(talksToConsul(command)
    ? [{term: 'baton help connection', text: 'how the agent is named: CONSUL_HTTP_ADDR and other variables and flags'}]
    : []),
  {term: pageOf(id), text: 'the page of this command, in the folder of the package'},
]

/** Returns the page of the flags that every command for Consul has, with Consul's environment variables. */
export function connectionPage(): Page {
  const variables = new Map(Object.entries(consulVariables).map(([variable, name]) => [name as string, variable]))
  const rows = Object.entries(consulFlags).map(([name, flag]): Row => {
    const value = flag.type === 'boolean' ? '' : `=${valueOf(name, flag as Definition)}`
    const sign = flag.type === 'boolean' && flag.allowNo ? '[no-]' : ''
    const variable = [variables.get(name), variableOf(name)].filter(one => one !== undefined).join(', ')
    return {term: `--${sign}${name}${value}`, text: `${flag.description ?? ''} [env: ${variable}]`}
  })
  return {
    name: 'baton help connection',
    summary: 'how commands reach Consul',
    sections: [
      {title: 'CONNECTION FLAGS', kind: 'rows', rows},
      {title: 'VARIABLES WITHOUT A FLAG', kind: 'rows', rows: flaglessVariables},
      {title: 'WHICH SETTING COUNTS', kind: 'text', paragraphs: [settingsNote]},
      {title: 'EXAMPLES', kind: 'commands', lines: connectionExamples},
      {title: 'SEE ALSO', kind: 'rows', rows: [{term: 'docs/reference/environment.md', text: 'all variables'}]},
    ],
  }
}

const flaglessVariables: readonly Row[] = [
  {term: 'CONSUL_HTTP_AUTH', text: 'USER:PASSWORD for a proxy in front of the agent'},
  {term: 'CONSUL_HTTP_SSL', text: 'true: use TLS although the address says http'},
  {term: 'CONSUL_HTTP_SSL_VERIFY', text: 'false: accept any certificate'},
]

const connectionExamples: readonly string[] = [
  'export CONSUL_HTTP_ADDR=10.0.0.11:8500',
  'baton kv ls --http-addr https://consul.example:8501 --ca-file ca.pem',
  'baton doctor --http-addr unix:///run/consul.sock',
]

const settingsNote =
  "A flag wins over its variable (BATON_ and the flag's name), the variable over Consul's own, and that over a file given with --config. Variables of proxies (HTTP_PROXY and the like) are not used. --print-config shows each setting of a command with its source."
