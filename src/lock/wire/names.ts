import {encodeKey} from '../../core/api/kv.js'
import {UsageError} from '../../core/errors.js'

/** Go's `path.Join` of a prefix and a name, after one leading slash is dropped, so that both tools mean the same key. */
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

/** What Consul's HTTP server refuses in a path: all but letters, marks, numbers, punctuation, symbols and the blank. */
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u

/** Throws a UsageError if Consul could not serve the key of this prefix: a transaction would take it, a read would not. */
export function checkPrefix(prefix: string): void {
  const key = lockKey(prefix)
  const [character] = unprintable.exec(key) ?? []
  if (character !== undefined) {
    const code = character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')
    throw new UsageError(`lock ${JSON.stringify(prefix)}: Consul serves no key with the character U+${code ?? ''}`)
  }
  encodeKey(key)
}
