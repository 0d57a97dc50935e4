import type {Paint} from '../../cli/colour.js'
import {wrap} from '../../cli/wrap.js'
import type {CommandTable} from '../command-table.js'
import {groups, pageOf, purposeOf} from './groups.js'
import {toCommandLine, toRows} from './layout.js'
import {type Page, type Section, subCommands} from './page.js'

export interface TextOptions {
  /** Number of characters in a line. */
  readonly width: number
  readonly paint: Paint
}

const [narrowest, widest, usual] = [40, 120, 80]

/**
 * Returns the width of help texts: that of the terminal, but limited to a range. `columns` is undefined without a
 * terminal.
 */
export const helpWidth = (columns: number | undefined): number =>
  columns === undefined || columns <= 0 ? usual : Math.min(Math.max(columns, narrowest), widest)

/** Returns a page as text for a terminal. */
export function pageText({name, summary, sections}: Page, options: TextOptions): string {
  const head = wrap(`${name}: ${summary}`, options.width)
  return [head, ...sections.map(section => sectionText(section, options))].join('\n\n')
}

function sectionText(section: Section, {width, paint}: TextOptions): string {
  return `${paint('bold', section.title)}\n${bodyOf(section, width)}`
}

function bodyOf(section: Section, width: number): string {
  if (section.kind === 'rows') return toRows(section.rows, width)
  if (section.kind === 'text') return section.paragraphs.map(text => wrap(text, width, '  ')).join('\n\n')
  const continuation = section.title === 'USAGE' ? '' : ' \\'
  return section.lines.map(line => toCommandLine(line, width, continuation)).join('\n')
}

/** Returns a list of all commands by group. */
export function overviewText(version: string, docs: string, options: TextOptions): string {
  const notes: readonly Section[] = [
    {
      title: 'HELP',
      kind: 'rows',
      rows: [
        {term: 'baton help COMMAND', text: 'flags, exit codes and examples of a command'},
        {term: 'baton help connection', text: 'how commands reach Consul'},
        {term: 'baton version', text: 'the version'},
        {term: docs, text: 'the manual'},
      ],
    },
    {
      title: 'EXIT CODES',
      kind: 'text',
      paragraphs: [
        '0 done, 64 invalid arguments or settings, 69 Consul cannot be reached, 70 a bug in baton, 77 permission denied; others belong to a command.',
      ],
    },
  ]
  const title = `baton ${version}: locks, remote execution and replication on Consul`
  const sections: readonly Section[] = [
    {title: 'USAGE', kind: 'commands', lines: ['baton COMMAND [FLAGS]']},
    ...groups.map(({title: group, commands}): Section => {
      const rows = Object.entries(commands).map(([term, text]) => ({term, text}))
      return {title: group, kind: 'rows', rows}
    }),
    ...notes,
  ]
  return [wrap(title, options.width), ...sections.map(one => sectionText(one, options))].join('\n\n')
}

/** Returns the commands of a topic that is not itself a command, such as `baton kv`. */
export async function topicText(topic: string, table: CommandTable, options: TextOptions): Promise<string> {
  const rows = await subCommands(topic, table)
  const sections: readonly Section[] = [
    {title: 'USAGE', kind: 'commands', lines: [`baton ${topic} COMMAND [FLAGS]`]},
    {title: 'COMMANDS', kind: 'rows', rows},
    {
      title: 'SEE ALSO',
      kind: 'rows',
      rows: [
        {term: `baton help ${rows[0]?.term ?? topic}`, text: 'flags, exit codes and examples of a command'},
        {term: pageOf(topic), text: 'the page of these commands, in the folder of the package'},
      ],
    },
  ]
  return pageText({name: `baton ${topic}`, summary: purposeOf(topic), sections}, options)
}
