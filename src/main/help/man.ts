import type {CommandTable} from '../command-table.js'
import {groups} from './groups.js'
import {commandPage, connectionPage, type Page, type Section} from './page.js'

/** A page of the manual, in roff format. */
export interface ManPage {
  /** Name of the file, such as `baton-kv-get.1`. */
  readonly file: string
  readonly text: string
}

/**
 * Returns the manual pages: one for each command that is not hidden, one for the connection, and one that lists all
 * commands.
 */
export async function manPages(table: CommandTable, version: string): Promise<readonly ManPage[]> {
  const loaded = Object.entries(table).map(async ([id, load]) => [id, (await load()).default] as const)
  const commands = (await Promise.all(loaded)).filter(([, command]) => !command.hidden)
  const pages = commands.map(async ([id, command]) => ({
    file: `${nameOf(`baton ${id}`)}.1`,
    text: roffPage(await commandPage(id, command, table), version),
  }))
  const list = groups.flatMap(({title, commands: topics}) => {
    const ids = commands.filter(([id]) => Object.hasOwn(topics, id.split(' ')[0] ?? ''))
    const rows = ids.map(([id, {summary = ''}]) => ({term: `baton ${id}`, text: summary}))
    return roffSection({title, kind: 'rows', rows})
  })
  const top = [
    ...roffHead('baton', version),
    ...roffSection({
      title: 'NAME',
      kind: 'text',
      paragraphs: ['baton - locks, remote execution and replication on Consul'],
    }),
    ...roffSection({title: 'SYNOPSIS', kind: 'commands', lines: ['baton COMMAND [FLAGS]']}),
    ...list,
    '',
  ].join('\n')
  return [
    {file: 'baton.1', text: top},
    {file: 'baton-connection.1', text: roffPage({...connectionPage(), name: 'baton connection'}, version)},
    ...(await Promise.all(pages)),
  ]
}

const nameOf = (name: string): string => name.replaceAll(' ', '-')

/** Titles of sections that differ between the manual and the help. */
const titles: Readonly<Record<string, string>> = {USAGE: 'SYNOPSIS', 'EXIT CODES': 'EXIT STATUS'}

function roffPage({name, summary, sections}: Page, version: string): string {
  const title: Section = {title: 'NAME', kind: 'text', paragraphs: [`${nameOf(name)} - ${summary}`]}
  const body = sections.map(section => ({...section, title: titles[section.title] ?? section.title}))
  return [...roffHead(nameOf(name), version), ...[title, ...body].flatMap(roffSection), ''].join('\n')
}

const roffHead = (name: string, version: string): readonly string[] => [
  `.TH "${name.toUpperCase()}" 1 "" "baton ${version}" "baton"`,
  '.nh',
  '.ad l',
]

function roffSection(section: Section): readonly string[] {
  const head = `.SH "${section.title}"`
  if (section.kind === 'text')
    return [head, ...section.paragraphs.flatMap((text, at) => [...(at > 0 ? ['.PP'] : []), escaped(text)])]
  if (section.kind === 'commands') return [head, ...section.lines.flatMap(line => ['.PP', '.nf', escaped(line), '.fi'])]
  return [head, ...section.rows.flatMap(({term, text}) => ['.TP', `.B ${escaped(term.trim())}`, escaped(text)])]
}

/** Escapes a text for roff: backslashes, dashes, and characters that would begin a request. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .split('\n')
    .map(line => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n')
}
