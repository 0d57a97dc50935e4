import {readdir} from 'node:fs/promises'
import {messageOf} from '../../core/errors.js'
import {privateSuffix, publicSuffix, readSigningKey} from './key-files.js'

/** A signing key of the user. If the key cannot sign, `problem` is the reason. */
export interface OwnKey {
  readonly name: string
  /** ID of the key; undefined if the private key cannot be used. */
  readonly kid: string | undefined
  /** The reason why the private key cannot be used; undefined if it can. */
  readonly problem: unknown
}

/**
 * Reads the private key of each pair in the directory, even if the public file is missing. Rejects if the directory
 * cannot be read.
 */
export async function inspectOwnKeys(directory: string): Promise<readonly OwnKey[]> {
  const files = await readdir(directory).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new Error(`keys: cannot read ${directory}: ${messageOf(error)}`, {cause: error})
  })
  const suffixes = [privateSuffix, publicSuffix]
  const names = files.flatMap(file => suffixes.filter(one => file.endsWith(one)).map(one => file.slice(0, -one.length)))
  return Promise.all([...new Set(names)].sort().map(name => inspect(directory, name)))
}

async function inspect(directory: string, name: string): Promise<OwnKey> {
  try {
    const {kid} = await readSigningKey(directory, name)
    return {name, kid, problem: undefined}
  } catch (problem) {
    return {name, kid: undefined, problem}
  }
}
