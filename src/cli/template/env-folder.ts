import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import type {EnvironmentFolder} from '../../template/environment.js'
import {parseKey} from '../../template/query-text.js'

/** Parses `PREFIX`, `PREFIX@DATACENTER` or `PREFIX?ns=NAME`. Slashes at both ends are ignored. */
export function toFolder(text: string): EnvironmentFolder {
  let query: ReturnType<typeof parseKey>
  try {
    query = parseKey('env', text)
  } catch (error) {
    throw new UsageError(`env: '${brief(text)}' is not a prefix`, {
      cause: error,
      hint: 'write it as PREFIX, PREFIX@DATACENTER or PREFIX?ns=NAME',
    })
  }
  const {path, ...where} = query
  const folder = path.replace(/^\/+|\/+$/g, '')
  if (folder === '') throw new UsageError(`env: '${brief(text)}' names no folder of keys`)
  return {path: `${folder}/`, where}
}
