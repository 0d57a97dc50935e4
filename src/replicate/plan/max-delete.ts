import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import type {MaxDelete} from '../types.js'

/** Up to this number of deletes, the ratio is ignored. */
const ratioFloor = 10

export const defaultMaxDelete: MaxDelete = {ratio: 0.1}

/** Parses a limit: `10%`, a number, or `off`. */
export function parseMaxDelete(text: string): MaxDelete {
  if (text === 'off') return 'off'
  const ratio = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  if (ratio !== undefined && Number(ratio) <= 100) return {ratio: Number(ratio) / 100}
  if (/^\d+$/.test(text)) return {count: Number(text)}
  throw new UsageError(`\`maxDelete\`: '${brief(text)}' is neither a percentage, a number nor 'off'`, {
    hint: 'write it like 10%, 500 or off',
  })
}

export function deleteLimit(max: MaxDelete, destinationCount: number): number {
  if (max === 'off') return Number.POSITIVE_INFINITY
  return 'count' in max ? max.count : Math.max(ratioFloor, Math.floor(max.ratio * destinationCount))
}
