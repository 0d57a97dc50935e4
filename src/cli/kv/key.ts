import {UsageError} from '../../core/errors.js'

/** Throws a UsageError for an empty key, which usually comes from an unset variable in a script. */
export function checkKey(verb: string, key: string): void {
  if (/^\/?$/.test(key)) throw new UsageError(`kv ${verb}: the key is empty`)
}
