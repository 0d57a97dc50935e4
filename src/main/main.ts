import commandTable, {commandNames} from 'virtual:command-table'
import type {Config} from '@oclif/core/interfaces'
import {isHelpFlag} from '../cli/argv.js'
import {type CommandHost, flagShapes, type HostedConfig, ownFlags, processHost} from '../cli/base-command.js'
import {painter} from '../cli/colour.js'
import {toFlagWords} from '../cli/option-words.js'
import {WrittenStream} from '../cli/written-stream.js'
import {brief} from '../core/brief.js'
import {UsageError} from '../core/errors.js'
import {type CommandClass, type CommandTable, resolveCommand} from './command-table.js'
import {exitCodeOf, toMessage, usageExitCode} from './exit-codes.js'

declare const BATON_VERSION: string

const table: CommandTable = commandTable

/**
 * The part of oclif's Config that commands and their help use. oclif's own Config would read files and load plugins.
 */
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

/** Runs one command line. Resolves to its exit code. Tests pass their own host. */
export async function run(argv: readonly string[], host: CommandHost = processHost()): Promise<number> {
  const [first = ''] = argv
  const asksHelp = first === 'help' || isHelpFlag(first)
  if (argv.length === 0 || asksHelp) return help(argv.slice(1), argv.length === 0 ? usageExitCode : 0, host)
  if (first === 'complete') return complete(argv[1] === 'quoted', host)
  const resolved = resolveCommand(table, argv, host.env)
  const load = resolved && table[resolved.id]
  if (!load) {
    const isTopic = Object.keys(table).some(id => id.startsWith(`${first} `))
    if (isTopic && (argv.length === 1 || argv.slice(1).every(isHelpFlag)))
      return help([first], argv.length === 1 ? usageExitCode : 0, host)
    return refuse(await unknownCommand(argv), host)
  }
  const {default: command} = await load()
  return runCommand({id: resolved.id, CommandOf: command, rest: resolved.rest}, host)
}

interface Resolved {
  readonly id: string
  readonly CommandOf: CommandClass
  readonly rest: readonly string[]
}

async function runCommand({id, CommandOf, rest}: Resolved, host: CommandHost): Promise<number> {
  const own = ownFlags(rest, CommandOf)
  if (own.some(isHelpFlag)) return help(id.split(' '), 0, host)
  CommandOf.id = id
  try {
    return await new CommandOf([...rest], {...config, host} as HostedConfig).execute()
  } catch (error) {
    const exit = CommandOf.exitCodeFor(error) ?? exitCodeOf(error)
    const message = toFlagWords(toMessage(error), flagShapes(CommandOf))
    if (CommandOf.enableJsonFlag && own.includes('--json')) {
      await print(`${JSON.stringify({error: {code: codeOf(error), message, exit}})}\n`, host)
    } else refuse(message, host)
    if (exit === 70 && (rest.includes('debug') || rest.includes('--log-level=debug') || host.env.BATON_DEBUG)) {
      host.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    }
    return exit
  }
}

/** Prints an error on stderr. Returns the exit code of a wrong command line. */
function refuse(message: string, host: CommandHost): number {
  host.stderr.write(`${painter(host.stderr, host.env)('red', 'baton:')} ${message}\n`)
  return usageExitCode
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'BATON_BUG'

/**
 * Answers the scripts of `baton completion`. The words before the cursor are on stdin, one on each line. `isQuoted`:
 * the script quotes the value that it inserts.
 */
async function complete(isQuoted: boolean, host: CommandHost): Promise<number> {
  const {completions} = await import('./complete.js')
  const {readFileSync} = await import('node:fs')
  const words = readFileSync(0, 'utf8').replace(/\n$/, '').split('\n')
  return print(await completions(table, words, {env: host.env, isQuoted}), host)
}

/**
 * Prints a text that is the complete result of the command line. Resolves with the exit code, which is 1 if the text
 * could not be written.
 */
async function print(text: string, host: CommandHost): Promise<number> {
  const stdout = new WrittenStream(host.stdout, reason => host.stderr.write(`baton: stdout: ${reason}\n`))
  host.stdout.write(text)
  return (await stdout.settled()) === undefined ? 0 : 1
}

async function help(words: readonly string[], exit: number, host: CommandHost): Promise<number> {
  const {helpText} = await import('./help/show.js')
  const stream = exit === 0 ? host.stdout : host.stderr
  const text = await helpText(words, {table, version: BATON_VERSION, host, stream})
  if (text === undefined) {
    return refuse(await unknownCommand(words), host)
  }
  if (exit === 0) return print(`${text}\n`, host)
  stream.write(`${text}\n`)
  return exit
}

/** Only shows a suggestion without running it, because a wrong guess could delete keys. */
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
