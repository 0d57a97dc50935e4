import {createPublicKey, type KeyObject} from 'node:crypto'
import {readFile, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {messageOf} from '../../core/errors.js'
import {createFile} from '../../process/create-file.js'
import {misplaced} from '../native/foreign-writers.js'
import {generateKey, parsePrivateKey} from '../native/keys.js'
import {refuseLink} from './state-directory.js'

const keyFile = 'answer-key.json'

/** The key with which a responder signs its answers. */
export interface AnswerKey {
  readonly privateKey: KeyObject
  /** The public key, as a JWK coordinate. */
  readonly x: string
}

/**
 * Reads the responder's own key from its state directory, or creates one there. Rejects with BATON_CONFIG if the key
 * cannot be read, or if other users can read it.
 */
export async function openAnswerKey(stateDirectory: string, name: string, nowMs: number): Promise<AnswerKey> {
  const path = join(stateDirectory, keyFile)
  await refuseLink(path)
  const {privateFile} = generateKey(name, nowMs)
  try {
    createFile(path, privateFile, 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw misplaced('state', `${path}: ${messageOf(error)}`)
  }
  if (((await stat(path)).mode & 0o077) !== 0) {
    throw misplaced('state', `${path}: group or others may read it`, `run: chmod 600 ${path}`)
  }
  const {privateKey} = parsePrivateKey(await readFile(path, 'utf8'), path)
  return {privateKey, x: createPublicKey(privateKey).export({format: 'jwk'}).x ?? ''}
}
