import {UsageError} from '../../core/errors.js'
import {type Envelope, isSignedBy, parseEnvelope, parseObject, type SigningKey, signEnvelope} from './envelope.js'
import {isJobId} from './layout.js'
import {type Manifest, parseManifest} from './manifest.js'
import type {TrustStore} from './trust.js'

/** A job in a file: prepared by one person, and perhaps signed by others before it is submitted. */
export interface JobFile {
  readonly manifest: Manifest
  readonly envelope: Envelope
  readonly value: Buffer
}

/** Parses the content of a file that contains a prepared job. Throws a UsageError if it does not. */
export function parseJobFile(value: Buffer, where: string): JobFile {
  const envelope = parseEnvelope('baton-exec/1', value)
  if (!envelope) throw new UsageError(`job ${where}: not a prepared job`)
  const manifest = parseManifest(envelope.payload)
  if (typeof manifest === 'string') throw new UsageError(`job ${where}: ${manifest}`)
  if (!isJobId(manifest.id)) throw new UsageError(`job ${where}: '${manifest.id.slice(0, 60)}' is not the ID of a job`)
  return {manifest, envelope, value}
}

/**
 * Returns the job with additional signatures. An existing signature of the same key is replaced. Rejects if a key
 * cannot sign.
 */
export async function addSignatures({envelope, value}: JobFile, keys: readonly SigningKey[]): Promise<Buffer> {
  const signed = await signEnvelope('baton-exec/1', envelope.payload, keys)
  const kids = new Set(keys.map(({kid}) => kid))
  const before = signaturesIn(value).filter(({k}) => !kids.has(k))
  return Buffer.from(JSON.stringify({...parseObject(signed), s: [...before, ...signaturesIn(signed)]}))
}

const signaturesIn = (value: Buffer): {k: string}[] => parseObject(value)?.['s'] as {k: string}[]

/** A signature of a job, compared with a set of trusted keys. Only `valid` means that the signature counts. */
export interface SignatureVerdict {
  readonly kid: string
  /** Name under which the key is trusted; undefined if the key is not trusted. */
  readonly name: string | undefined
  readonly verdict: 'valid' | 'wrong' | 'unknown' | 'revoked' | 'expired'
}

/** Compares each signature of a job with the trusted keys. */
export function judgeSignatures(envelope: Envelope, trust: TrustStore, nowMs: number): readonly SignatureVerdict[] {
  return envelope.signatures.map(({kid}) => {
    const key = trust.keys.get(kid)
    return {kid, name: key?.name, verdict: verdictOn(envelope, kid, {trust, nowMs})}
  })
}

function verdictOn(
  envelope: Envelope,
  kid: string,
  {trust, nowMs}: {readonly trust: TrustStore; readonly nowMs: number},
): SignatureVerdict['verdict'] {
  const key = trust.keys.get(kid)
  if (trust.revoked.has(kid)) return 'revoked'
  if (!key) return 'unknown'
  const {notBeforeMs = Number.NEGATIVE_INFINITY, expiresAtMs = Number.POSITIVE_INFINITY} = key
  if (nowMs < notBeforeMs || nowMs > expiresAtMs) return 'expired'
  return isSignedBy(envelope, kid, key.publicKey) ? 'valid' : 'wrong'
}
