import {encodeKey} from '../../core/api/kv.js'
import {UsageError} from '../../core/errors.js'

/**
 * Joins a prefix and a name as Go's `path.Join` does, and removes one leading slash, so that baton and `consul lock`
 * use the same key.
 */
export function joinKey(prefix: string, name: string): string {
  const path = `${prefix.replace(/^\//, '')}/${name}`
  const isRooted = prefix.replace(/^\//, '') !== '' && path.startsWith('/')
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (!isRooted) parts.push('..')
  }
  return `${isRooted ? '/' : ''}${parts.join('/')}`
}

export const lockKey = (prefix: string): string => joinKey(prefix, '.lock')

/**
 * Returns the first character that Consul's HTTP server refuses in a path: it accepts letters, marks, numbers,
 * punctuation, symbols and the space. Only keys that are not ASCII need the Unicode classes, because compiling those
 * takes a fiftieth of the start-up time of `baton lock`.
 */
const firstUnprintable = (key: string): string | undefined =>
  /^[ -~]*$/.test(key) ? undefined : /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(key)?.[0]

/** Throws a UsageError if Consul cannot serve the lock's key: transactions accept such keys, but reads refuse them. */
export function checkPrefix(prefix: string): void {
  const key = lockKey(prefix)
  const character = firstUnprintable(key)
  if (character !== undefined) {
    const code = character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')
    throw new UsageError(`lock ${JSON.stringify(prefix)}: Consul serves no key with the character U+${code ?? ''}`)
  }
  encodeKey(key)
}
