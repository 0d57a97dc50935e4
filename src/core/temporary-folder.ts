import {mkdtempSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {UsageError} from './errors.js'
import {whyUnreadable} from './input.js'

/**
 * Creates an empty directory that only this user can read, and returns its path. Throws a UsageError if the directory
 * for temporary files cannot be written.
 */
export function makeTemporaryFolder(prefix: string): string {
  try {
    return mkdtempSync(join(tmpdir(), prefix))
  } catch (cause) {
    throw new UsageError(`temporary files: cannot create a directory in ${tmpdir()}: ${whyUnreadable(cause)}`, {
      cause,
      hint: 'set TMPDIR to a directory that this user can write',
    })
  }
}
