import type {Config} from '@oclif/core/interfaces'
import type {BaseCommand} from '../cli/base-command.js'
import type {Environment} from '../config/environment.js'

/** Loads the class of a command. */
export type CommandLoader = () => Promise<{readonly default: CommandClass}>
export type CommandClass = Omit<typeof BaseCommand, 'prototype'> & (new (argv: string[], config: Config) => BaseCommand)
/** Loaders of the commands by name, such as `kv get`. The build makes this table from the files under `commands/`. */
export type CommandTable = Readonly<Record<string, CommandLoader>>

/** Commands whose first argument is a key or a program, which may have the name of one of their sub-commands. */
const commandsWithWords: ReadonlySet<string> = new Set(['lock', 'exec'])

/**
 * Returns the command that the first arguments name, and the arguments after its name. The longest name wins, except
 * that `lock` and `exec` have no sub-commands if a program follows `--` or if BATON_COMPAT is `consul`: `lock status --
 * make` locks the key `status`.
 */
export function resolveCommand(
  table: CommandTable,
  argv: readonly string[],
  env: Environment = {},
): {readonly id: string; readonly rest: readonly string[]} | undefined {
  for (let length = Math.min(3, argv.length); length > 0; length -= 1) {
    const id = argv.slice(0, length).join(' ')
    if (length > 1 && commandsWithWords.has(argv[0] ?? '') && (env.BATON_COMPAT === 'consul' || argv.includes('--')))
      continue
    if (Object.hasOwn(table, id)) return {id, rest: argv.slice(length)}
  }
  return undefined
}
