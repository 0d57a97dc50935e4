import {readdir, readFile, stat} from 'node:fs/promises'
import {basename} from 'node:path'
import type {Clock} from '../core/types.js'
import type {LocalWatcher} from './types.js'

/**
 * Returns the processes on this machine in which baton watches events, including those of other users if the system
 * shows their arguments. Returns undefined on systems without /proc.
 */
export async function localWatchers(clock: Clock): Promise<readonly LocalWatcher[] | undefined> {
  const names = await readdir('/proc').catch(() => undefined)
  if (!names?.includes('self')) return undefined
  const found = await Promise.all(
    names.filter(name => /^\d+$/.test(name)).map(name => readWatcher(Number(name), clock)),
  )
  return found.filter(one => one !== undefined).sort((a, b) => a.pid - b.pid)
}

/** Returns a watcher. Returns undefined if the process is not a watcher, has ended, or may not be read. */
async function readWatcher(pid: number, clock: Clock): Promise<LocalWatcher | undefined> {
  try {
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1)
    const words = wordsOfBaton(argv)
    const request = words && parseEventWords(words)
    if (!request) return undefined
    return {pid, ...request, sinceMs: Math.min((await stat(`/proc/${pid}`)).ctimeMs, clock.wallMs())}
  } catch {
    return undefined
  }
}

/** Returns the arguments that follow the name of baton, which is a program of its own or a script that Node runs. */
function wordsOfBaton(argv: readonly string[]): readonly string[] | undefined {
  const at = argv.slice(0, 2).findIndex(word => /^(?:baton|consul-baton)$/.test(basename(word)) || isLauncher(word))
  return at < 0 ? undefined : argv.slice(at + 1)
}

const isLauncher = (word: string): boolean => /(?:^|\/)bin\/run\.cjs$/.test(word)

/**
 * Returns the events and the state file in the arguments of `event watch`, `watch event` or `watch -type=event`.
 * Returns undefined for other commands. Does not see settings from files and variables.
 */
export function parseEventWords(words: readonly string[]): Pick<LocalWatcher, 'events' | 'stateFile'> | undefined {
  const [command = '', verb = ''] = words
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  const names = valuesOf(own, 'name')
  if (command === 'event' && verb === 'watch') return {events: names, stateFile: valuesOf(own, 'state')[0]}
  const isWatch = command === 'watch' && (verb === 'event' || valuesOf(own, 'type')[0] === 'event')
  return isWatch ? {events: names, stateFile: undefined} : undefined
}

/** Returns the values of a flag, which may be written as `--flag value`, `--flag=value` or with one dash. */
function valuesOf(words: readonly string[], flag: string): readonly string[] {
  return words.flatMap((word, at) => {
    const [, attached] = new RegExp(`^--?${flag}(?:=(.*))?$`, 's').exec(word) ?? [undefined, undefined]
    if (attached !== undefined) return [attached]
    const next = words[at + 1]
    return new RegExp(`^--?${flag}$`).test(word) && next !== undefined ? [next] : []
  })
}
