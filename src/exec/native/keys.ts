import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import {checkOptions, name as nameRule, type OptionRule, text as textRule} from '../../core/check-options.js'
import {UsageError} from '../../core/errors.js'
import {type PrivateSigningKey, parseObject} from './envelope.js'

/** True if the text can be the name of a key, and therefore of a file. */
export const isKeyName = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$/.test(name)

export function toKid(publicKey: KeyObject): string {
  const der = publicKey.export({type: 'spki', format: 'der'})
  return createHash('sha256').update(der).digest('hex').slice(0, 16)
}

/** Accepts times in milliseconds that a Date can represent. */
const instant: OptionRule = {
  expected: 'a number of milliseconds since 1970',
  accepts: value => typeof value === 'number' && !Number.isNaN(new Date(value).getTime()),
}

/** A key pair, and the contents of its two files. */
export interface GeneratedKey {
  /** The private key, to sign with. */
  readonly key: PrivateSigningKey
  /** Content of the private file: a JWK with name and kid. Keep the file readable by its owner alone (0600). */
  readonly privateFile: string
  /** Content of the public file, for the trust directories of responders. */
  readonly publicFile: string
}

/**
 * Creates an Ed25519 key for signing jobs. Writes nothing: store `privateFile` where only its owner can read it.
 * `createdAtMs` is in milliseconds since 1970. Throws a UsageError if an argument is not valid.
 *
 * @example
 * ```ts
 * const {key, publicFile} = generateKey('deploy', Date.now())
 * key.name // => 'deploy'
 * JSON.parse(publicFile).kid // => key.kid
 * ```
 */
export function generateKey(name: string, createdAtMs: number): GeneratedKey {
  const rules = {name: nameRule, createdAtMs: instant}
  checkOptions('generateKey', {name, createdAtMs}, rules, ['name', 'createdAtMs'])
  const {privateKey, publicKey} = generateKeyPairSync('ed25519')
  const kid = toKid(publicKey)
  const jwk = privateKey.export({format: 'jwk'})
  const created = new Date(createdAtMs).toISOString()
  return {
    key: {kid, name, privateKey},
    privateFile: `${JSON.stringify({v: 1, kid, name, created, ...jwk}, undefined, 2)}\n`,
    publicFile: `${JSON.stringify({v: 1, kid, name, created, x: jwk.x}, undefined, 2)}\n`,
  }
}

/**
 * Reads a private file that {@link generateKey} made. `where` names the file in messages. Throws a UsageError if the
 * text is not such a file.
 *
 * @example
 * ```ts
 * const {key, privateFile} = generateKey('deploy', Date.now())
 * parsePrivateKey(privateFile, 'deploy.json').kid // => key.kid
 * ```
 */
export function parsePrivateKey(text: string, where: string): PrivateSigningKey {
  checkOptions('parsePrivateKey', {text, where}, {text: {...textRule, isSecret: true}, where: textRule}, [
    'text',
    'where',
  ])
  const raw = parseObject(Buffer.from(text))
  if (raw?.['v'] !== 1 || raw['kty'] !== 'OKP' || raw['crv'] !== 'Ed25519' || typeof raw['d'] !== 'string') {
    throw new UsageError(`key ${where}: not a private key of baton`, {
      hint: 'create a key pair, and sign with its private file',
    })
  }
  try {
    const privateKey = createPrivateKey({key: raw as JsonWebKey, format: 'jwk'})
    const kid = toKid(createPublicKey(privateKey))
    return {kid, name: typeof raw['name'] === 'string' ? raw['name'] : kid, privateKey}
  } catch (error) {
    throw new UsageError(`key ${where}: damaged`, {cause: error, hint: 'create another key pair'})
  }
}

/** True for the text of a private file of baton, damaged or not. */
export const isPrivateFile = (text: string): boolean => parseObject(Buffer.from(text))?.['d'] !== undefined

/** Returns the public key with this JWK coordinate, or undefined if the coordinate is not valid. */
export function publicKeyOf(x: string): KeyObject | undefined {
  try {
    return createPublicKey({key: {kty: 'OKP', crv: 'Ed25519', x}, format: 'jwk'})
  } catch {
    return undefined
  }
}
