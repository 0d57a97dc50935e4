import {createHash} from 'node:crypto'
import {formatMapping} from '../mapping.js'
import {forEachStep, type Steps, sortSteps} from '../steps.js'
import type {Held, Mapping} from '../types.js'

const sampleSize = 10

/**
 * Returns the ID of a set of deletes of one mapping. The ID does not depend on the order of the keys. An approval of
 * the ID applies only to this set.
 */
export function* heldIdSteps(mapping: Mapping, keys: readonly string[]): Steps<string> {
  const hash = createHash('sha256').update(JSON.stringify([mapping.source, mapping.datacenter, mapping.destination]))
  const sorted = yield* sortSteps(keys, (a, b) => (a < b ? -1 : a > b ? 1 : 0))
  yield* forEachStep(sorted, key => hash.update(JSON.stringify(key)))
  return hash.digest('hex').slice(0, 8)
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`

/** Describes held-back deletes in one line: the reason, the number, and up to ten names. */
export function toHeld(
  mapping: Mapping,
  keys: readonly string[],
  why: {readonly id: string; readonly reason: Held['reason']; readonly text: string},
): Omit<Held, 'isKept'> {
  const sample = keys.slice(0, sampleSize)
  const names = sample.map(printable).join(', ') + (keys.length > sample.length ? ', …' : '')
  const message = `replicate ${formatMapping(mapping)}: ${plural(keys.length, 'delete')} held: ${why.text}: ${names}`
  return {id: why.id, reason: why.reason, count: keys.length, sample, message}
}

/**
 * Returns a key in the form in which a line shows it: as JSON if it contains control characters or begins or
 * ends with a space, otherwise unchanged.
 */
export const printable = (key: string): string =>
  /[\p{C}]/u.test(key) || key.trim() !== key ? JSON.stringify(key) : key
