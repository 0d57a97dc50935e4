import {accessSync, constants, statSync} from 'node:fs'
import {delimiter, join} from 'node:path'

/** Returns the path of a program of this name that can be run. `searchPath` is the value of the variable PATH. */
export const findOnPath = (name: string, searchPath: string): string | undefined =>
  searchPath
    .split(delimiter)
    .filter(folder => folder !== '')
    .map(folder => join(folder, name))
    .find(isExecutable)

/** True if a program of this name can be run. */
export const isOnPath = (name: string, searchPath: string): boolean => findOnPath(name, searchPath) !== undefined

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
