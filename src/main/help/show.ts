import {existsSync, realpathSync} from 'node:fs'
import {dirname, join} from 'node:path'
import type {CommandHost} from '../../cli/base-command.js'
import {painter} from '../../cli/colour.js'
import type {CommandTable} from '../command-table.js'
import {commandPage, connectionPage} from './page.js'
import {helpWidth, overviewText, pageText, type TextOptions, topicText} from './text.js'

export interface HelpOptions {
  readonly table: CommandTable
  readonly version: string
  readonly host: CommandHost
  /** The stream to which help is written. */
  readonly stream: NodeJS.WriteStream
}

/** Returns the help for these words, or undefined if they do not name a command. */
export async function helpText(words: readonly string[], options: HelpOptions): Promise<string | undefined> {
  const {table, version, host, stream} = options
  const text: TextOptions = {width: helpWidth(columnsOf(options)), paint: painter(stream, host.env)}
  const id = words.join(' ')
  if (id === '') return overviewText(version, manualPath(), text)
  if (id === 'connection') return pageText(connectionPage(), text)
  const load = table[id]
  if (load) return pageText(await commandPage(id, (await load()).default, table), text)
  const isTopic = Object.keys(table).some(name => name.startsWith(`${id} `))
  return isTopic ? topicText(id, table, text) : undefined
}

/**
 * Returns the width of the terminal. Under a pager (`baton help | less`), that is the terminal of stderr.
 */
const columnsOf = ({host, stream}: HelpOptions): number | undefined =>
  [stream, host.stderr].find(({isTTY}) => isTTY)?.columns

/**
 * Returns the directory of the manual pages in the package, next to the launcher that was started.
 */
function manualPath(): string {
  const page = 'docs/index.md'
  try {
    const path = join(dirname(realpathSync(process.argv[1] ?? '')), '..', page)
    return existsSync(path) ? path : page
  } catch {
    return page
  }
}
