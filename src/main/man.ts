import type {CommandClass, CommandTable} from './command-table.js'
import {connectionNote, exitNote, type ShownFlag, shownFlags, talksToConsul, units, usageOf} from './help.js'

/** A page of the manual, in roff. */
export interface ManPage {
  /** `baton-kv-get.1` */
  readonly file: string
  readonly text: string
}

/** Returns the pages of all commands that are not hidden, and one that lists them. */
export async function manPages(table: CommandTable, version: string): Promise<readonly ManPage[]> {
  const loaded = Object.entries(table).map(async ([id, load]) => [id, (await load()).default] as const)
  const commands = (await Promise.all(loaded)).filter(([, command]) => !command.hidden)
  const pages = commands.map(async ([id, command]) => ({
    file: `${nameOf(id)}.1`,
    text: await commandPage(id, command, version),
  }))
  const list = commands.flatMap(([id, {summary = ''}]) => tagged(`baton ${id}`, summary))
  const top = page('baton', version, [
    ...section('NAME', ['baton \\- locks, remote execution and replication on Consul']),
    ...section('SYNOPSIS', ['.B baton', 'COMMAND [FLAGS]']),
    ...section('COMMANDS', list),
    ...section('EXIT STATUS', [escaped(exitNote)]),
  ])
  return [{file: 'baton.1', text: top}, ...(await Promise.all(pages))]
}

const nameOf = (id: string): string => `baton-${id.replaceAll(' ', '-')}`

async function commandPage(id: string, command: CommandClass, version: string): Promise<string> {
  const {summary = '', description = '', examples} = command
  const args = Object.entries(command.args).flatMap(([name, arg]) =>
    tagged(name.toUpperCase(), typeof arg.description === 'string' ? arg.description : ''),
  )
  const flags = Object.entries(await shownFlags(command))
    .filter(([, flag]) => !flag.hidden)
    .map(([name, flag]) => toText(name, flag))
  const notes = units.filter(({word}) => flags.some(({title}) => title.includes(word))).map(({text}) => text)
  if (talksToConsul(command)) notes.push(connectionNote)
  return page(nameOf(id), version, [
    ...section('NAME', [`${escaped(nameOf(id))} \\- ${escaped(summary)}`]),
    ...section('SYNOPSIS', [`.B baton ${escaped(id)}`, escaped(usageOf(command))]),
    ...section('DESCRIPTION', description === '' ? [] : [escaped(description)]),
    ...section('ARGUMENTS', args),
    ...groups(flags).flatMap(([title, rows]) =>
      section(
        title,
        rows.flatMap(row => tagged(row.title, row.text)),
      ),
    ),
    ...section(
      'NOTES',
      notes.flatMap(text => ['.PP', escaped(text)]),
    ),
    ...section(
      'EXAMPLES',
      examples.flatMap(example => ['.PP', '.nf', escaped(exampleText(example)), '.fi']),
    ),
    ...section('EXIT STATUS', [escaped(exitNote)]),
    ...section('SEE ALSO', [`.BR baton (1), docs/commands/${id.split(' ')[0] ?? ''}.md`]),
  ])
}

interface FlagText {
  readonly group: string
  readonly title: string
  readonly text: string
}

function toText(name: string, flag: ShownFlag): FlagText {
  const {char, description = '', helpGroup = 'FLAGS', helpValue, options, default: fallback, allowNo} = flag
  const value = helpValue ?? options?.join('|')
  const long = `--${allowNo === true ? '[no-]' : ''}${name}${value === undefined ? '' : `=${value}`}`
  const isShown = (typeof fallback === 'string' && fallback !== '') || typeof fallback === 'number' || fallback === true
  return {
    group: helpGroup,
    title: char === undefined ? long : `-${char}, ${long}`,
    text: isShown ? `${description} (default: ${String(fallback)})` : description,
  }
}

function groups(flags: readonly FlagText[]): readonly (readonly [string, readonly FlagText[]])[] {
  const names = new Set(flags.map(({group}) => group))
  const titles = [...[...names].filter(name => name !== 'COMMON'), ...(names.has('COMMON') ? ['COMMON'] : [])]
  return titles.map(title => [title, flags.filter(({group}) => group === title)] as const)
}

const exampleText = (example: CommandClass['examples'][number]): string =>
  (typeof example === 'string' ? example : example.command).replaceAll('<%= config.bin %>', 'baton')

const page = (name: string, version: string, lines: readonly string[]): string =>
  [`.TH "${name.toUpperCase()}" 1 "" "baton ${version}" "baton"`, '.nh', '.ad l', ...lines, ''].join('\n')

const section = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : [`.SH "${title}"`, ...lines]

const tagged = (tag: string, text: string): readonly string[] => ['.TP', `.B ${escaped(tag)}`, escaped(text)]

/** Text as roff shows it: no backslash is an escape, a dash is a dash, and no line is a request. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .split('\n')
    .map(line => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n')
}
