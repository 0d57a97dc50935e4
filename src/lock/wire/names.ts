import {encodeKey} from '../../core/api/kv.js'
import {UsageError} from '../../core/errors.js'

/** Joins a prefix and a name as Go's `path.Join` does, without one leading slash, so that both tools use the same key. */
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

/** Characters that Consul's HTTP server refuses in a path: all but letters, marks, numbers, punctuation, symbols and the space. */
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u

/** Throws a UsageError if Consul cannot serve the key of this prefix: transactions accept such keys, but reads refuse them. */
export function checkPrefix(prefix: string): void {
  const key = lockKey(prefix)
  const [character] = unprintable.exec(key) ?? []
  if (character !== undefined) {
    const code = character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')
    throw new UsageError(`lock ${JSON.stringify(prefix)}: Consul serves no key with the character U+${code ?? ''}`)
  }
  encodeKey(key)
}
