import {createPrivateKey, createPublicKey, type KeyObject} from 'node:crypto'
import {UsageError} from '../../../core/errors.js'
import type {PrivateSigningKey} from '../envelope.js'
import {publicKeyOf, toKid} from '../keys.js'
import {encodeString, WireReader} from './wire.js'

const keyType = 'ssh-ed25519'
const privateHeader = '-----BEGIN OPENSSH PRIVATE KEY-----'
const magic = 'openssh-key-v1\0'

/** A public key in OpenSSH's form. */
export interface SshPublicKey {
  readonly kid: string
  /**
   * The comment of the key, reduced to characters that are allowed in a key's name; the key's ID if the comment is
   * empty.
   */
  readonly name: string
  /** The JWK coordinate of the key. */
  readonly x: string
  readonly publicKey: KeyObject
}

/** True if the text is an OpenSSH public key of any type. */
export const isSshPublicLine = (text: string): boolean => /^\s*(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ /.test(text)

/** True if the text is an OpenSSH private key. */
export const isSshPrivateFile = (text: string): boolean => text.trimStart().startsWith(privateHeader)

/** Reads `ssh-ed25519 AAAA... comment`. Throws a UsageError for keys of other types. */
export function parseSshPublicLine(line: string, where: string): SshPublicKey {
  const [type = '', blob = '', ...comment] = line.trim().split(/\s+/)
  if (type !== keyType) throw unusable(where, `a key of the type ${type.slice(0, 40)}: only ${keyType} can be used`)
  const key = parseSshBlob(Buffer.from(blob, 'base64'), comment.join(' '))
  if (!key) throw unusable(where, 'damaged')
  return key
}

/** Reads a public key in the SSH wire format. Returns undefined if it is not an Ed25519 key. */
export function parseSshBlob(blob: Buffer, comment: string): SshPublicKey | undefined {
  try {
    const reader = new WireReader(blob)
    if (reader.string().toString('latin1') !== keyType) return undefined
    const x = reader.string().toString('base64url')
    const publicKey = publicKeyOf(x)
    if (!publicKey) return undefined
    const kid = toKid(publicKey)
    const name = comment.replaceAll(/[^A-Za-z0-9_.@-]/g, '-').replace(/^[^A-Za-z0-9_]+/, '')
    return {kid, name: name.slice(0, 64) || kid, x, publicKey}
  } catch {
    return undefined
  }
}

/** Returns the public key in the SSH wire format. */
export const toSshBlob = (x: string): Buffer =>
  Buffer.concat([encodeString(keyType), encodeString(Buffer.from(x, 'base64url'))])

/**
 * Reads an OpenSSH private key file. Throws a UsageError if the key is encrypted or is not an Ed25519
 * key.
 */
export function parseSshPrivateFile(text: string, where: string): PrivateSigningKey {
  const body = text.replaceAll(/-----[^-]+-----|\s/g, '')
  try {
    const reader = new WireReader(Buffer.from(body, 'base64'))
    if (reader.bytes(magic.length).toString('latin1') !== magic) throw unusable(where, 'damaged')
    const cipher = reader.string().toString('latin1')
    if (cipher !== 'none') throw encrypted(where)
    reader.string()
    reader.string()
    if (reader.uint32() !== 1) throw unusable(where, 'it holds more than one key')
    reader.string()
    return parsePrivatePart(new WireReader(reader.string()), where)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw unusable(where, 'damaged')
  }
}

function parsePrivatePart(reader: WireReader, where: string): PrivateSigningKey {
  if (reader.uint32() !== reader.uint32()) throw unusable(where, 'damaged')
  const type = reader.string().toString('latin1')
  if (type !== keyType) throw unusable(where, `a key of the type ${type.slice(0, 40)}: only ${keyType} can be used`)
  const x = reader.string().toString('base64url')
  // Takes the first half, because the second half repeats the public key.
  const d = reader.string().subarray(0, 32).toString('base64url')
  const comment = reader.string().toString('utf8')
  const privateKey = createPrivateKey({key: {kty: 'OKP', crv: 'Ed25519', x, d}, format: 'jwk'})
  const kid = toKid(createPublicKey(privateKey))
  return {kid, name: comment === '' ? kid : comment, privateKey}
}

const unusable = (where: string, why: string): UsageError => new UsageError(`key ${where}: ${why}`)

const encrypted = (where: string): UsageError =>
  new UsageError(`key ${where}: it is protected by a passphrase`, {
    hint: `add it to the agent (ssh-add ${where}), and name its public file instead`,
  })
