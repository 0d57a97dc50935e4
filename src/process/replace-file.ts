import {rename, rm} from 'node:fs/promises'
import {createFile} from './create-file.js'
import {refuseSpecial} from './refuse-special.js'

/**
 * Replaces a file atomically: a reader sees either the old or the new content. Never writes through a symbolic link
 * that another user left in place of the temporary file, which is `path` with `.new` after it. Rejects if `path` exists
 * and is not a regular file. If it rejects, the old file is unchanged.
 */
export async function replaceFile(path: string, content: string | Uint8Array, mode = 0o666): Promise<void> {
  refuseSpecial(path)
  const temporary = `${path}.new`
  await rm(temporary, {force: true})
  createFile(temporary, content, mode)
  await rename(temporary, path)
}
