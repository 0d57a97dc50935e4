import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'

/**
 * Returns the prefix of the status keys. Throws a UsageError for a text with which keys cannot begin.
 */
export function checkStatusDir(path: string): string {
  if (path.replaceAll('/', '') !== '' && !path.startsWith('/')) return path
  throw new UsageError(`--status-dir: '${brief(path)}' is not a prefix for keys`)
}
