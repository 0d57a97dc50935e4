import {createHash} from 'node:crypto'
import {formatMapping} from '../mapping.js'
import type {Held, Mapping} from '../types.js'

const sampleSize = 10

/** Names one set of deletes of one mapping: an approval fits this set and no other. */
export function heldId(mapping: Mapping, keys: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([mapping.source, mapping.datacenter, mapping.destination]))
  for (const key of [...keys].sort()) hash.update(JSON.stringify(key))
  return hash.digest('hex').slice(0, 8)
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`

/** Everything a person needs to decide, in one line. */
export function toHeld(
  mapping: Mapping,
  keys: readonly string[],
  why: {readonly reason: Held['reason']; readonly text: string},
): Held {
  const id = heldId(mapping, keys)
  const sample = keys.slice(0, sampleSize)
  const names = sample.map(printable).join(', ') + (keys.length > sample.length ? ', …' : '')
  const message = `replicate ${formatMapping(mapping)}: ${plural(keys.length, 'delete')} held: ${why.text}: ${names}`
  return {id, reason: why.reason, count: keys.length, sample, message}
}

/** A key for a line of text: what would break the line is escaped. */
export const printable = (key: string): string =>
  /[\p{C}]/u.test(key) || key.trim() !== key ? JSON.stringify(key) : key
