import {UsageError} from '../../core/errors.js'

/** Throws a UsageError for an empty key, which usually comes from a script's variable that is not set. */
export function checkKey(verb: string, key: string): void {
  if (/^\/?$/.test(key)) throw new UsageError(`kv ${verb}: the key is empty`)
}
