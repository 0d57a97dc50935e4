import {type KeyObject, sign, verify} from 'node:crypto'
import {sshsigBytes} from './ssh/sshsig.js'

/**
 * Types of signed documents. The signed bytes include the type, so that a signature is never valid for another type.
 */
export type EnvelopeType = 'baton-exec/1' | 'baton-ctl/1'

/** A document with its signatures, as it is stored in KV. `payload` contains exactly the signed bytes. */
export interface Envelope {
  readonly type: EnvelopeType
  readonly payload: Buffer
  readonly signatures: readonly EnvelopeSignature[]
}

interface EnvelopeSignature {
  readonly kid: string
  readonly signature: Buffer
  /** True if the signature has the form of OpenSSH (SSHSIG). */
  readonly isSsh: boolean
}

/** An Ed25519 key that signs jobs: a private key, or a key that an `ssh-agent` holds. */
export type SigningKey = PrivateSigningKey | AgentSigningKey

interface NamedKey {
  /** First 8 bytes of the SHA-256 of the public key, in hexadecimal. */
  readonly kid: string
  /** Name for people. The signature does not cover it. */
  readonly name: string
}

/** A private key in the memory of this process. */
export interface PrivateSigningKey extends NamedKey {
  /** An Ed25519 key of `node:crypto`. */
  readonly privateKey: KeyObject
}

/** A key outside of this process, for instance in an `ssh-agent`. */
export interface AgentSigningKey extends NamedKey {
  /** Resolves with the signature of a message, made in the form of OpenSSH (SSHSIG) with the namespace `baton-exec`. */
  readonly sign: (message: Buffer) => Promise<Buffer>
}

/**
 * Returns the bytes that are signed. They include the lengths, so that they can be split into type and payload in only
 * one way.
 */
function signedBytes(type: string, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`baton1 ${type.length} ${type} ${payload.length} `), payload])
}

/**
 * Signs a document. Without keys the envelope is unsigned: only responders with a policy for unsigned jobs accept it.
 */
export function sealEnvelope(type: EnvelopeType, payload: Buffer, keys: readonly PrivateSigningKey[]): Buffer {
  return encodeEnvelope(
    type,
    payload,
    keys.map(key => signPrivately(type, payload, key)),
  )
}

/** Does the same as {@link sealEnvelope}, but also with keys outside of this process. Rejects if a key cannot sign. */
export async function signEnvelope(type: EnvelopeType, payload: Buffer, keys: readonly SigningKey[]): Promise<Buffer> {
  const signatures: RawSignature[] = []
  // Signs with one key after another, because an `ssh-agent` may ask a person for each signature.
  for (const key of keys) {
    if ('privateKey' in key) signatures.push(signPrivately(type, payload, key))
    else signatures.push({k: key.kid, g: (await key.sign(signedBytes(type, payload))).toString('base64url'), f: 'ssh'})
  }
  return encodeEnvelope(type, payload, signatures)
}

interface RawSignature {
  readonly k: string
  readonly g: string
  readonly f?: 'ssh'
}

const signPrivately = (type: EnvelopeType, payload: Buffer, {kid, privateKey}: PrivateSigningKey): RawSignature => ({
  k: kid,
  g: sign(null, signedBytes(type, payload), privateKey).toString('base64url'),
})

const encodeEnvelope = (type: EnvelopeType, payload: Buffer, signatures: readonly RawSignature[]): Buffer =>
  Buffer.from(JSON.stringify({t: type, p: payload.toString('base64url'), s: signatures}))

/** Maximum number of signatures, because verifying each one takes CPU time. */
const maxSignatures = 16

/** Parses an envelope. Returns undefined if the value is not an envelope of this type. */
export function parseEnvelope(type: EnvelopeType, value: Buffer): Envelope | undefined {
  const raw = parseObject(value)
  if (raw?.['t'] !== type || typeof raw['p'] !== 'string' || !Array.isArray(raw['s'])) return undefined
  if (raw['s'].length > maxSignatures) return undefined
  const signatures: EnvelopeSignature[] = []
  for (const one of raw['s'] as unknown[]) {
    const {k: kid, g, f} = (typeof one === 'object' && one !== null ? one : {}) as Record<string, unknown>
    if (typeof kid !== 'string' || typeof g !== 'string') return undefined
    signatures.push({kid, signature: Buffer.from(g, 'base64url'), isSsh: f === 'ssh'})
  }
  return {type, payload: Buffer.from(raw['p'], 'base64url'), signatures}
}

export function isSignedBy(envelope: Envelope, kid: string, publicKey: KeyObject): boolean {
  const message = signedBytes(envelope.type, envelope.payload)
  return envelope.signatures.some(
    one => one.kid === kid && verify(null, one.isSsh ? sshsigBytes(message) : message, publicKey, one.signature),
  )
}

/** Parses a JSON object. Returns undefined if the bytes are anything else. */
export function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
