import {readFileSync} from 'node:fs'

/** Returns the text of a file, or an empty text if the file does not exist. */
export function readIfExists(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return ''
  }
}
