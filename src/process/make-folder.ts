import {mkdirSync, statSync} from 'node:fs'
import {dirname} from 'node:path'

/**
 * Creates a folder and the folders above it that are missing. Throws the error of the system if one cannot be created.
 * Node's own `recursive` never ends where the system answers ENOENT for a folder that cannot exist, as below /proc
 * (Node 20).
 */
export function makeFolder(path: string, mode: number): void {
  const code = tryToMake(path, mode)
  if (code === undefined) return
  if (code === 'ENOENT' && dirname(path) !== path) makeFolder(dirname(path), mode)
  makeOne(path, mode)
}

/** Returns the code of the failure, if there was one. */
function tryToMake(path: string, mode: number): string | undefined {
  try {
    makeOne(path, mode)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? ''
  }
}

function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, {mode})
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(path).isDirectory()) throw error
  }
}
