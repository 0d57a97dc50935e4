import type {Config} from '@oclif/core/interfaces'
import type {BaseCommand} from '../cli/base-command.js'

/** A command's class, not yet loaded. */
export type CommandLoader = () => Promise<{readonly default: CommandClass}>
export type CommandClass = Omit<typeof BaseCommand, 'prototype'> & (new (argv: string[], config: Config) => BaseCommand)
/** `kv get` to its loader. The build makes the table from the files under `commands/`. */
export type CommandTable = Readonly<Record<string, CommandLoader>>

/** The command that the first arguments name, and the arguments after its name. The longest name wins. */
export function resolveCommand(
  table: CommandTable,
  argv: readonly string[],
): {readonly id: string; readonly rest: readonly string[]} | undefined {
  for (let length = Math.min(3, argv.length); length > 0; length -= 1) {
    const id = argv.slice(0, length).join(' ')
    if (Object.hasOwn(table, id)) return {id, rest: argv.slice(length)}
  }
  return undefined
}
