import {readdirSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import type {CommandClass} from '../../src/main/command-table.js'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Returns all commands by name. The names come from the files, as in the build. */
export async function loadCommands(): Promise<ReadonlyMap<string, CommandClass>> {
  const files = readdirSync(`${root}commands`, {recursive: true, encoding: 'utf8'}).filter(file => file.endsWith('.ts'))
  const entries = files.sort().map(async file => {
    const id = file
      .replace(/\.ts$/, '')
      .replace(/(^|\/)index$/, '')
      .replaceAll('/', ' ')
    // The path is computed, because only the command table may import commands by name.
    const loaded = (await import(`${root}commands/${file}`)) as {readonly default: CommandClass}
    return [id, loaded.default] as const
  })
  return new Map(await Promise.all(entries))
}
