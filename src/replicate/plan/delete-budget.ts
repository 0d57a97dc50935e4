import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import {formatDuration, parseDuration} from '../../core/time/duration.js'
import type {DeleteBudget, MaxDelete} from '../types.js'
import {parseMaxDelete} from './max-delete.js'

const defaultWindowMs = 600_000

/** Returns the default budget: the limit of a single pass, applied to all deletes within ten minutes. */
export const defaultBudget = (maxDelete: MaxDelete): DeleteBudget => ({max: maxDelete, windowMs: defaultWindowMs})

/** Parses a budget: `10%/10m`, `500/1h` or `off`. */
export function parseDeleteBudget(text: string): DeleteBudget {
  if (text === 'off') return {max: 'off', windowMs: defaultWindowMs}
  const [max = '', window, ...rest] = text.split('/')
  if (window === undefined || rest.length > 0 || max === 'off') {
    throw new UsageError(`\`deleteBudget\`: '${brief(text)}' is neither LIMIT/TIME nor 'off'`, {
      hint: 'write it like 10%/10m, 500/1h or off',
    })
  }
  const windowMs = parseDuration(window, '`deleteBudget`')
  if (windowMs < 1000 || windowMs > 7 * 24 * 3_600_000) {
    throw new UsageError(`\`deleteBudget\`: '${brief(window)}' is not a time from 1s to 168h`)
  }
  return {max: parseMaxDelete(max), windowMs}
}

export const formatWindow = ({windowMs}: DeleteBudget): string => formatDuration(windowMs)
