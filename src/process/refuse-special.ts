import {statSync} from 'node:fs'

/**
 * Throws if something other than a regular file is at the path. To rename a file to such a path, or to remove it at the
 * end, would destroy a device such as /dev/null for the whole machine.
 */
export function refuseSpecial(path: string): void {
  const found = statSync(path, {throwIfNoEntry: false})
  if (found !== undefined && !found.isFile()) {
    throw new Error(found.isDirectory() ? 'it is a directory' : 'it is not a regular file')
  }
}
