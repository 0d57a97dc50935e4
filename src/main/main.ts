import commandTable, {commandNames} from 'virtual:command-table'
import type {Config} from '@oclif/core/interfaces'
import {isHelpFlag} from '../cli/argv.js'
import {flagShapes, ownFlags, processHost} from '../cli/base-command.js'
import {painter} from '../cli/colour.js'
import {toFlagWords} from '../cli/option-words.js'
import {brief} from '../core/brief.js'
import {UsageError} from '../core/errors.js'
import {type CommandClass, type CommandTable, resolveCommand} from './command-table.js'
import {exitCodeOf, toMessage, usageExitCode} from './exit-codes.js'

declare const BATON_VERSION: string

const table: CommandTable = commandTable

/** The part of oclif's Config that commands and their help use. The real one reads files and loads plugins. */
const config = {
  bin: 'baton',
  name: 'consul-baton',
  version: BATON_VERSION,
  userAgent: `consul-baton/${BATON_VERSION}`,
  topicSeparator: ' ',
  commandIDs: commandNames,
  theme: undefined,
  pjson: {oclif: {}},
  runHook: async () => ({successes: [], failures: []}),
  scopedEnvVar: () => undefined,
  scopedEnvVarKey: (name: string) => `BATON_${name}`,
  scopedEnvVarKeys: (name: string) => [`BATON_${name}`],
  scopedEnvVarTrue: () => false,
} as unknown as Config

/** Called by bin/run.cjs as the entry of the bundle. Never throws; sets the exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  process.exitCode = await run(argv)
}

async function run(argv: readonly string[]): Promise<number> {
  const host = processHost()
  const [first = ''] = argv
  const asksHelp = first === 'help' || isHelpFlag(first)
  if (argv.length === 0 || asksHelp) return help(argv.slice(1), argv.length === 0 ? usageExitCode : 0)
  if (first === 'complete') return complete()
  const resolved = resolveCommand(table, argv, host.env)
  const load = resolved && table[resolved.id]
  if (!load) {
    const isTopic = Object.keys(table).some(id => id.startsWith(`${first} `))
    if (isTopic && (argv.length === 1 || argv.slice(1).every(isHelpFlag)))
      return help([first], argv.length === 1 ? usageExitCode : 0)
    host.stderr.write(`baton: ${await unknownCommand(argv)}\n`)
    return usageExitCode
  }
  const {default: command} = await load()
  return runCommand(resolved.id, command, resolved.rest)
}

async function runCommand(id: string, CommandOf: CommandClass, rest: readonly string[]): Promise<number> {
  const host = processHost()
  const own = ownFlags(rest, CommandOf)
  if (own.some(isHelpFlag)) return help(id.split(' '), 0)
  CommandOf.id = id
  try {
    return await new CommandOf([...rest], config).execute()
  } catch (error) {
    const exit = CommandOf.exitCodeFor(error) ?? exitCodeOf(error)
    const message = toFlagWords(toMessage(error), flagShapes(CommandOf))
    if (CommandOf.enableJsonFlag && own.includes('--json')) {
      host.stdout.write(`${JSON.stringify({error: {code: codeOf(error), message, exit}})}\n`)
    } else host.stderr.write(`${painter(host.stderr, host.env)('red', 'baton:')} ${message}\n`)
    if (exit === 70 && (rest.includes('debug') || rest.includes('--log-level=debug') || host.env.BATON_DEBUG)) {
      host.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    }
    return exit
  }
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'BATON_BUG'

/** Answers the scripts of `baton completion`. The words before the cursor are on stdin, one on each line. */
async function complete(): Promise<number> {
  const {completions} = await import('./complete.js')
  const {readFileSync} = await import('node:fs')
  const host = processHost()
  const words = readFileSync(0, 'utf8').replace(/\n$/, '').split('\n')
  host.stdout.write(await completions(table, words, host.env))
  return 0
}

async function help(words: readonly string[], exit: number): Promise<number> {
  const {helpText} = await import('./help/show.js')
  const host = processHost()
  const stream = exit === 0 ? host.stdout : host.stderr
  const text = await helpText(words, {table, version: BATON_VERSION, host, stream})
  if (text === undefined) {
    host.stderr.write(`baton: ${await unknownCommand(words)}\n`)
    return usageExitCode
  }
  stream.write(`${text}\n`)
  return exit
}

/** Only shows a suggestion and does not run it, because a wrong guess could delete keys. */
async function unknownCommand(words: readonly string[]): Promise<string> {
  const [first = ''] = words
  if (first.startsWith('-')) {
    return toMessage(
      new UsageError(`${brief(first)}: not a command`, {hint: 'flags come after it: baton COMMAND [FLAGS]'}),
    )
  }
  const typed = words.slice(0, 2).join(' ')
  const {closest, distance} = await import('fastest-levenshtein')
  const names = [...new Set(Object.keys(table).flatMap(id => [id, id.split(' ')[0] ?? id]))]
  const [firstWord = ''] = typed.split(' ')
  const isNear = (name: string, word: string): boolean => distance(name, word) <= Math.min(3, word.length / 2)
  const guesses = [closest(typed, names), closest(firstWord, names)]
  const guess = guesses.find(name => isNear(name, name.includes(' ') ? typed : firstWord))
  const error = new UsageError(`unknown command '${brief(typed)}'`, {
    hint: guess === undefined ? "see 'baton help'" : `did you mean 'baton ${guess}'?`,
  })
  return toMessage(error)
}
