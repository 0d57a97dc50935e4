import type {KeyObject} from 'node:crypto'
import {UsageError} from '../../../core/errors.js'
import {parseSshPublicLine} from './keys.js'
import {sshNamespace} from './sshsig.js'

/** Name of the OpenSSH file in a trust directory whose keys are also trusted. */
export const allowedSignersFile = 'allowed_signers'

/** A key that may sign jobs, according to one line of the file. */
interface AllowedSigner {
  readonly kid: string
  /** The principals of the line. */
  readonly name: string
  readonly publicKey: KeyObject
  readonly notBeforeMs: number | undefined
  readonly expiresAtMs: number | undefined
}

const option = /^([a-z-]+)(?:="([^"]*)")?$/

/**
 * Reads a file of allowed signers (`ssh-keygen`, ALLOWED SIGNERS): principals, options, key. Ignores lines for other
 * namespaces. Throws a UsageError if a line cannot be read or has an unsupported option.
 */
export function parseAllowedSigners(text: string, where: string): readonly AllowedSigner[] {
  const keys: AllowedSigner[] = []
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.trim().startsWith('#')) continue
    const key = parseLine(line, `${where}, line ${at + 1}`)
    if (key) keys.push(key)
  }
  return keys
}

function parseLine(line: string, where: string): AllowedSigner | undefined {
  const [principals = '', ...rest] = line.match(/(?:"[^"]*"|[^\s"])+/g) ?? []
  const typeAt = rest.findIndex(word => /^(?:ssh|ecdsa|sk)-/.test(word))
  if (typeAt < 0) throw new UsageError(`key ${where}: no key`)
  const words = rest.slice(0, typeAt).flatMap(list => list.match(/(?:"[^"]*"|[^,"])+/g) ?? [])
  const options = new Map(words.map(word => parseOption(word, where)))
  const namespaces = options.get('namespaces')?.split(',')
  if (namespaces && !namespaces.includes(sshNamespace)) return undefined
  const {kid, publicKey, name} = parseSshPublicLine(rest.slice(typeAt).join(' '), where)
  return {
    kid,
    name: principals === '*' ? name : principals,
    publicKey,
    notBeforeMs: instantOf(options.get('valid-after'), where),
    expiresAtMs: instantOf(options.get('valid-before'), where),
  }
}

function parseOption(word: string, where: string): readonly [string, string] {
  const [, name = '', value = ''] = option.exec(word) ?? []
  if (!['namespaces', 'valid-after', 'valid-before'].includes(name)) {
    throw new UsageError(`key ${where}: the option '${word.slice(0, 40)}' is not supported`)
  }
  return [name, value]
}

/** Reads `YYYYMMDD[HHMM[SS]][Z]`. Without the Z, it is local time, as in OpenSSH. */
function instantOf(text: string | undefined, where: string): number | undefined {
  if (text === undefined) return undefined
  const [, year, month, day, hour = '00', minute = '00', second = '00', zone = ''] =
    /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)$/.exec(text) ?? []
  const instant = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`)
  if (Number.isNaN(instant)) throw new UsageError(`key ${where}: '${text.slice(0, 40)}' is not a date`)
  return instant
}
