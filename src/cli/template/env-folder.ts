import {brief} from '../../core/brief.js'
import {messageOf, UsageError} from '../../core/errors.js'
import type {EnvironmentFolder} from '../../template/environment.js'
import {parseKey} from '../../template/query-text.js'

/** Parses `PREFIX`, `PREFIX@DATACENTER` or `PREFIX?ns=NAME`. Slashes at both ends are ignored. */
export function toFolder(text: string): EnvironmentFolder {
  try {
    const {path, ...where} = parseKey('env', text)
    const folder = path.replace(/^\/+|\/+$/g, '')
    if (folder !== '') return {path: `${folder}/`, where}
  } catch (error) {
    throw new UsageError(`env: ${messageOf(error)}`)
  }
  throw new UsageError(`env: '${brief(text)}' names no folder of keys`)
}
