import {mkdirSync, statSync} from 'node:fs'
import {dirname} from 'node:path'

/**
 * Creates a folder and any missing folders above it. Throws the system's error if one cannot be created.
 * Node's own option `recursive` is not used: in Node 20 it never ends if the system answers ENOENT for a
 * folder that cannot exist, for instance below /proc.
 */
export function makeFolder(path: string, mode: number): void {
  // Most folders exist already, and an error that is thrown takes ten times as long as this question.
  if (statSync(path, {throwIfNoEntry: false})?.isDirectory() === true) return
  const code = tryToMake(path, mode)
  if (code === undefined) return
  if (code === 'ENOENT' && dirname(path) !== path) makeFolder(dirname(path), mode)
  makeOne(path, mode)
}

/** Tries to create the folder. Returns the error code if that failed. */
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
