import {accessSync, constants, statSync} from 'node:fs'
import {delimiter, join} from 'node:path'

/** True if a program of this name can be run. `searchPath` is the value of the variable PATH. */
export const isOnPath = (name: string, searchPath: string): boolean =>
  searchPath.split(delimiter).some(folder => folder !== '' && isExecutable(join(folder, name)))

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
