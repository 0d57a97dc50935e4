import type {Config} from '@oclif/core/interfaces'
import type {CommandClass, CommandTable} from './command-table.js'

interface Definition {
  readonly default?: unknown
  readonly defaultHelp?: unknown
}

/** Help of one command, drawn by oclif from its flags, arguments and examples. */
export async function commandHelp(id: string, command: CommandClass, config: Config): Promise<string> {
  const {CommandHelp} = await import('@oclif/core/help')
  const json = command.enableJsonFlag
    ? {json: {type: 'boolean', description: 'print the result as one JSON object', helpGroup: 'COMMON', allowNo: false}}
    : {}
  const loadable = {
    id,
    aliases: [],
    hiddenAliases: [],
    description: command.description,
    examples: command.examples,
    usage: command.usage ?? `${id} ${usageWords(command)}[FLAGS]${command.childForm ? ' [-- PROGRAM ARG...]' : ''}`,
    strict: command.strict,
    hidden: command.hidden,
    args: await named(command.args),
    flags: await named({...json, ...command.baseFlags, ...command.flags}),
  }
  const drawn = new CommandHelp(loadable as never, config, {
    maxWidth: 110,
    stripAnsi: false,
    docopts: false,
  }).generate()
  return [command.summary ?? '', drawn, ...units.filter(({word}) => drawn.includes(word)).map(({text}) => text)].join(
    '\n\n',
  )
}

/** What the words for values mean, said where they are used. */
const units = [
  {word: 'DURATION', text: 'DURATION is a number with a unit: 300ms, 15s, 1h30m.'},
  {word: 'RE2', text: 'RE2 is a regular expression that matches anywhere in the name, unless ^ and $ say otherwise.'},
]

/** The command's own arguments, as they are typed, and where the child's words go. */
function usageWords(command: CommandClass): string {
  const words = Object.entries(command.args).map(([name, arg]) =>
    arg.required ? name.toUpperCase() : `[${name.toUpperCase()}]`,
  )
  return words.map(word => `${word} `).join('')
}

/** Definitions as the help wants them: each knows its name, and its default is what is shown. */
async function named(definitions: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const shown: Record<string, unknown> = {}
  for (const [name, definition] of Object.entries(definitions)) {
    const {default: fallback, defaultHelp, ...rest} = definition as Definition
    const value = typeof defaultHelp === 'function' ? await (defaultHelp as () => Promise<unknown>)() : fallback
    shown[name] = {...rest, name, ...(value !== undefined && typeof value !== 'function' && {default: value})}
  }
  return shown
}

/** The list of commands, those of one topic when one is named. */
export async function topicHelp(table: CommandTable, topic: string, version: string): Promise<string> {
  const ids = Object.keys(table).filter(id => topic === '' || id === topic || id.startsWith(`${topic} `))
  const rows: (readonly [string, string])[] = []
  for (const id of ids.sort()) {
    const loaded = await table[id]?.()
    if (loaded && !loaded.default.hidden) rows.push([id, loaded.default.summary ?? ''])
  }
  const width = Math.max(0, ...rows.map(([id]) => id.length)) + 2
  const list = rows.map(([id, summary]) => `  ${id.padEnd(width)}${summary}`).join('\n')
  const head = topic === '' ? `baton ${version}: locks, remote execution and replication on Consul\n\n` : ''
  const usage = topic === '' ? 'COMMAND' : `${topic} COMMAND`
  return `${head}usage: baton ${usage}\n\n${list}\n\n'baton help COMMAND' shows flags and examples.`
}
