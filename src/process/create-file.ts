import {closeSync, openSync, rmSync, writeFileSync} from 'node:fs'

/**
 * Creates a file with this content. Throws if the file exists. If the content cannot be written, for instance because
 * the disk is full, removes the file again, so that no later run takes half a file for a whole one.
 */
export function createFile(path: string, content: string | Uint8Array, mode = 0o666): void {
  const file = openSync(path, 'wx', mode)
  try {
    writeFileSync(file, content)
  } catch (error) {
    rmSync(path, {force: true})
    throw error
  } finally {
    closeSync(file)
  }
}
