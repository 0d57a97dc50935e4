import {type KeyObject, sign, verify} from 'node:crypto'

/** Types of signed documents: a signature of one is never valid for another. */
export type EnvelopeType = 'baton-exec/1' | 'baton-ctl/1'

/** A document with its signatures, as KV contains it. `payload` is exactly the bytes that were signed. */
export interface Envelope {
  readonly type: EnvelopeType
  readonly payload: Buffer
  readonly signatures: readonly {readonly kid: string; readonly signature: Buffer}[]
}

/** A private key to sign jobs with. */
export interface SigningKey {
  /** First 8 bytes of the SHA-256 of the public key, in hexadecimal. */
  readonly kid: string
  /** Name for people. It is not signed. */
  readonly name: string
  /** An Ed25519 key of `node:crypto`. */
  readonly privateKey: KeyObject
}

/**
 * Returns the bytes that are signed. Lengths are included, so that type and payload cannot be divided in another way.
 */
function signedBytes(type: string, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`baton1 ${type.length} ${type} ${payload.length} `), payload])
}

/** Without keys the envelope is unsigned: only responders with a policy for such jobs accept it. */
export function sealEnvelope(type: EnvelopeType, payload: Buffer, keys: readonly SigningKey[]): Buffer {
  const signatures = keys.map(({kid, privateKey}) => ({
    k: kid,
    g: sign(null, signedBytes(type, payload), privateKey).toString('base64url'),
  }))
  return Buffer.from(JSON.stringify({t: type, p: payload.toString('base64url'), s: signatures}))
}

/** Maximum number of signatures: each costs time to verify. */
const maxSignatures = 16

/** Returns undefined if the value is not an envelope of this type. */
export function parseEnvelope(type: EnvelopeType, value: Buffer): Envelope | undefined {
  const raw = parseObject(value)
  if (raw?.['t'] !== type || typeof raw['p'] !== 'string' || !Array.isArray(raw['s'])) return undefined
  if (raw['s'].length > maxSignatures) return undefined
  const signatures: {kid: string; signature: Buffer}[] = []
  for (const one of raw['s'] as unknown[]) {
    const {k: kid, g} = (typeof one === 'object' && one !== null ? one : {}) as Record<string, unknown>
    if (typeof kid !== 'string' || typeof g !== 'string') return undefined
    signatures.push({kid, signature: Buffer.from(g, 'base64url')})
  }
  return {type, payload: Buffer.from(raw['p'], 'base64url'), signatures}
}

export function isSignedBy(envelope: Envelope, kid: string, publicKey: KeyObject): boolean {
  const bytes = signedBytes(envelope.type, envelope.payload)
  return envelope.signatures.some(one => one.kid === kid && verify(null, bytes, publicKey, one.signature))
}

/** Returns the JSON object in these bytes, or undefined if they are not one. */
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
