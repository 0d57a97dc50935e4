import {stat} from 'node:fs/promises'
import {BatonError, messageOf} from '../../core/errors.js'

/** The purpose of a file or directory, as messages name it. */
export type OwnedPath = 'trust' | 'state'

/**
 * Rejects with BATON_CONFIG if users other than root and the process's own user could write the file or
 * directory.
 */
export async function refuseForeignWriters(path: string, what: OwnedPath): Promise<void> {
  let found: Awaited<ReturnType<typeof stat>>
  try {
    found = await stat(path)
  } catch (error) {
    throw misplaced(what, `${path}: ${messageOf(error)}`, what === 'trust' ? missingTrust : undefined)
  }
  if ((found.mode & 0o022) !== 0) {
    throw misplaced(what, `${path}: writable by group or others`, `run: chmod go-w ${path}`)
  }
  const own = process.geteuid?.()
  if (own !== undefined && found.uid !== 0 && found.uid !== own) {
    const hint = `${what} files belong to root or to the user of the responder`
    throw misplaced(what, `${path}: belongs to user ${found.uid}`, hint)
  }
}

const missingTrust = 'create the directory, and add the public keys whose jobs are to run'

/** Returns a BATON_CONFIG error about a file or directory; `what` is its purpose. */
export const misplaced = (what: OwnedPath, message: string, hint?: string): BatonError =>
  new BatonError('BATON_CONFIG', `${what} ${message}`, hint === undefined ? {} : {hint})
