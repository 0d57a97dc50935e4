import {closest, distance} from 'fastest-levenshtein'
import {UsageError} from '../core/errors.js'

/**
 * Returns the error for an unknown setting. It suggests a known name that resembles the last part of `name`, which may
 * contain dots.
 */
export function unknownSetting(path: string, name: string, known: readonly string[]): UsageError {
  const part = name.slice(name.lastIndexOf('.') + 1)
  const longer = known.filter(each => part.length > 2 && each.startsWith(part))
  const nearest = closest(part, longer.length > 0 ? longer : known)
  const isNear = longer.length > 0 || distance(part, nearest) <= Math.ceil(Math.max(part.length, nearest.length) / 2)
  const hint = isNear ? `did you mean '${nearest}'?` : `known here: ${known.join(', ')}`
  return new UsageError(`config: ${path}: unknown setting '${name}'`, {
    code: 'BATON_CONFIG',
    ...((isNear || known.length < 10) && {hint}),
  })
}
