import {accessSync, constants, statSync} from 'node:fs'
import {delimiter, join} from 'node:path'

/**
 * Returns the path of an executable program with this name. `searchPath` is the value of the variable PATH.
 */
export const findOnPath = (name: string, searchPath: string): string | undefined =>
  searchPath
    .split(delimiter)
    .filter(folder => folder !== '')
    .map(folder => join(folder, name))
    .find(isExecutable)

/** True if there is an executable program with this name. */
export const isOnPath = (name: string, searchPath: string): boolean => findOnPath(name, searchPath) !== undefined

/** True if this file can be run. */
export function isExecutable(file: string): boolean {
  try {
    // An error that is thrown takes longer than the rest of the search.
    if (statSync(file, {throwIfNoEntry: false})?.isFile() !== true) return false
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
