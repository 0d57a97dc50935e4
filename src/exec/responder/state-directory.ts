import {lstat} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {messageOf} from '../../core/errors.js'
import {makeFolder} from '../../process/make-folder.js'
import {misplaced, refuseForeignWriters} from '../native/foreign-writers.js'
import {replayFile} from '../native/replay-store.js'

/**
 * Creates the directory if it is missing. Rejects with BATON_CONFIG if other users could write to it or to the
 * directory above, or if it is a symbolic link, because scripts are run from it.
 */
export async function openStateDirectory(path: string): Promise<void> {
  try {
    makeFolder(path, 0o700)
  } catch (error) {
    throw misplaced('state', `${path}: ${messageOf(error)}`)
  }
  await refuseForeignWriters(dirname(path), 'state')
  await refuseForeignWriters(path, 'state')
  await refuseLink(path)
  await refuseLink(join(path, replayFile))
}

/** Rejects with BATON_CONFIG if the path is a symbolic link. Accepts a path that does not exist. */
export async function refuseLink(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isSymbolicLink() === true) throw misplaced('state', `${path}: is a symbolic link`, 'remove it')
}
