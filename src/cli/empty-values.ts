import {UsageError} from '../core/errors.js'
import {consulFlags} from './flags.js'
import type {SettingSources} from './settings.js'

/**
 * Throws a UsageError for a flag with an empty value, which usually comes from an unset variable in a script.
 * Connection flags may be empty, as in Consul's tools, and then count as not given.
 */
export function refuseEmptyValues(
  flags: Readonly<Record<string, unknown>>,
  {sources, allowed}: {readonly sources: SettingSources; readonly allowed: readonly string[] | 'all'},
): void {
  for (const [name, value] of Object.entries(flags)) {
    if (sources.get(name) !== 'flag' || canBeEmpty(name, allowed)) continue
    if (value === '' || (Array.isArray(value) && value.includes(''))) {
      throw new UsageError(`--${name}: the value is empty`, {hint: 'leave the flag out, or give it a value'})
    }
  }
}

/** True for connection flags, and for flags that the command lists. */
export const canBeEmpty = (name: string, allowed: readonly string[] | 'all'): boolean =>
  allowed === 'all' || Object.hasOwn(consulFlags, name) || allowed.includes(name)
