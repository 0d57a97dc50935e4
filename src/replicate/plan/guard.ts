import {createHash} from 'node:crypto'
import {UsageError} from '../../core/errors.js'
import {formatMapping} from '../mapping.js'
import type {Held, Mapping, MaxDelete} from '../types.js'

const sampleSize = 10
/** Below this many deletes a ratio does not count. */
const ratioFloor = 10

export const defaultMaxDelete: MaxDelete = {ratio: 0.1}

/** `10%`, a count, or `off`. */
export function parseMaxDelete(text: string): MaxDelete {
  if (text === 'off') return 'off'
  const ratio = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  if (ratio !== undefined && Number(ratio) <= 100) return {ratio: Number(ratio) / 100}
  if (/^\d+$/.test(text)) return {count: Number(text)}
  throw new UsageError(`max-delete: '${text}' is neither a percentage, a number nor 'off'`, {
    hint: 'write it like 10%, 500 or off',
  })
}

export function deleteLimit(max: MaxDelete, destinationCount: number): number {
  if (max === 'off') return Number.POSITIVE_INFINITY
  return 'count' in max ? max.count : Math.max(ratioFloor, Math.floor(max.ratio * destinationCount))
}

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
