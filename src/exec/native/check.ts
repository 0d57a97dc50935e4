import {valueLimitBytes} from '../../core/consul-constants.js'
import {formatDuration} from '../../core/time/duration.js'
import type {Control} from './control.js'
import {type Envelope, isSignedBy, parseEnvelope} from './envelope.js'
import {type JobClaims, type Manifest, parseClaims, parseManifest} from './manifest.js'
import {findRefusal, type Policy} from './policy.js'
import type {ReplayStore} from './replay-store.js'
import type {TrustedKey, TrustStore} from './trust.js'
import {newestVersion, oldestVersion} from './versions.js'

/** Reason why a responder does not run a job. The codes are part of the public interface. */
export type JobRefusalCode =
  | 'too-large'
  | 'malformed'
  /** A newer version of baton wrote the job. */
  | 'unknown-version'
  /** The trusted keys could not be read, and those that were last read do not include the job's key. */
  | 'trust-unreadable'
  | 'unsigned'
  | 'unknown-key'
  | 'key-revoked'
  | 'key-expired'
  | 'bad-signature'
  | 'too-few-signatures'
  | 'wrong-cluster'
  | 'wrong-datacenter'
  | 'not-yet-valid'
  | 'expired'
  | 'valid-too-long'
  | 'wrong-node'
  | 'replayed'
  | 'policy'
  /** The audit log cannot be written, and no job runs without an entry there. */
  | 'audit-failed'

export interface JobRefusal {
  readonly code: JobRefusalCode
  readonly reason: string
  /** Unverified facts that the job states about itself; undefined if they cannot be read. */
  readonly claimed: JobClaims | undefined
}

export interface CheckContext {
  readonly node: string
  readonly datacenter: string
  readonly cluster: string
  readonly trust: TrustStore
  readonly replay: Pick<ReplayStore, 'has'>
  /** Policy for jobs without a signature. If it is undefined, such jobs are refused. */
  readonly unsignedPolicy: Policy | undefined
  readonly nowMs: number
  readonly maxSkewMs: number
  readonly maxValidityMs: number
}

/** Default of the maximum difference between clocks. */
export const defaultSkewMs = 30_000
/** Default of the maximum time from the signature of a job to its expiry. */
export const defaultValidityMs = 300_000

/** Consul's own limit for a value. */
export const maxJobBytes = valueLimitBytes

export type Checked =
  | {
      readonly isAccepted: true
      readonly manifest: Manifest
      readonly policies: readonly Policy[]
      readonly signers: readonly string[]
    }
  | {readonly isAccepted: false; readonly refusal: JobRefusal}

const refuse = (code: JobRefusalCode, reason: string, claimed?: JobRefusal['claimed']): Checked => ({
  isAccepted: false,
  refusal: {code, reason, claimed},
})

/**
 * Makes all checks that precede the recording of the job's ID, in this order: size, form, signatures by trusted keys,
 * cluster, time, node, repetition. Until the signatures are verified, the manifest is used only to address a refusal.
 */
export function checkJob(id: string, value: Buffer, context: CheckContext): Checked {
  if (value.length > maxJobBytes) return refuse('too-large', `${value.length} bytes`)
  const envelope = parseEnvelope('baton-exec/1', value)
  if (!envelope) return refuse('malformed', 'not an envelope')
  const manifest = parseManifest(envelope.payload)
  if (typeof manifest === 'string') return refuseUnread(envelope.payload, manifest)
  if (manifest.id !== id) return refuse('malformed', 'the manifest is of another job', manifest)
  const signed = checkSignatures(envelope, context)
  if ('code' in signed) return refuse(signed.code, signed.reason, manifest)
  const failed = checkScope(manifest, context) ?? checkTime(manifest, context) ?? checkTarget(manifest, context)
  if (failed) return refuse(failed.code, failed.reason, manifest)
  return {isAccepted: true, manifest, policies: signed.policies, signers: signed.signers.map(key => key.kid)}
}

function refuseUnread(payload: Buffer, reason: string): Checked {
  const claimed = parseClaims(payload)
  const isKnown = claimed && claimed.version >= oldestVersion && claimed.version <= newestVersion
  if (!claimed || isKnown === true) return refuse('malformed', reason, claimed)
  const versions = `version ${claimed.version}, this responder reads ${oldestVersion} to ${newestVersion}`
  return refuse('unknown-version', `the job is of ${versions}`, claimed)
}

/** Checks the policies, after the job's ID was recorded. Resolves with undefined if all policies allow the job. */
export async function checkPolicies(
  policies: readonly Policy[],
  manifest: Manifest,
  node: string,
): Promise<JobRefusal | undefined> {
  for (const policy of policies) {
    const reason = await findRefusal(policy, manifest, node)
    if (reason !== undefined) return {code: 'policy', reason, claimed: manifest}
  }
  return undefined
}

interface Failure {
  readonly code: JobRefusalCode
  readonly reason: string
}

/**
 * Checks the signatures. Each signature of a trusted key must be valid, and the job must pass the policies of all
 * signers.
 */
export function checkSignatures(
  envelope: Envelope,
  context: Pick<CheckContext, 'trust' | 'unsignedPolicy' | 'nowMs'>,
): Failure | {readonly policies: readonly Policy[]; readonly signers: readonly TrustedKey[]} {
  if (envelope.signatures.length === 0) {
    if (context.unsignedPolicy) return {policies: [context.unsignedPolicy], signers: []}
    return {code: 'unsigned', reason: 'no signature'}
  }
  const signers = new Map<string, TrustedKey>()
  for (const {kid} of envelope.signatures) {
    const key = context.trust.keys.get(kid)
    const failure = key ? checkKey(envelope, key, context) : unknownKey(kid, context.trust)
    if (failure) return failure
    if (key) signers.set(kid, key)
  }
  const all = [...signers.values()]
  const policies = all.flatMap(key => key.policies)
  const needed = Math.max(...policies.map(policy => policy.requiredSignatures ?? 1))
  if (all.length < needed) return {code: 'too-few-signatures', reason: `${all.length} of ${needed}`}
  return {policies, signers: all}
}

function unknownKey(kid: string, {revoked, trouble}: TrustStore): Failure {
  if (revoked.has(kid)) return {code: 'key-revoked', reason: `key ${kid}`}
  if (trouble) return {code: 'trust-unreadable', reason: trouble.message}
  return {code: 'unknown-key', reason: `key ${kid.slice(0, 64)} is not trusted here`}
}

function checkKey(
  envelope: Envelope,
  key: TrustedKey,
  {trust, nowMs}: Pick<CheckContext, 'trust' | 'nowMs'>,
): Failure | undefined {
  if (trust.revoked.has(key.kid)) return {code: 'key-revoked', reason: `key ${key.kid} (${key.name})`}
  if (key.notBeforeMs !== undefined && nowMs < key.notBeforeMs) {
    return {code: 'key-expired', reason: `key ${key.kid} (${key.name}) is not valid yet`}
  }
  if (key.expiresAtMs !== undefined && nowMs > key.expiresAtMs) {
    return {code: 'key-expired', reason: `key ${key.kid} (${key.name}) has expired`}
  }
  if (!isSignedBy(envelope, key.kid, key.publicKey)) {
    return {code: 'bad-signature', reason: `not what key ${key.kid} (${key.name}) signed`}
  }
  return undefined
}

function checkScope(manifest: Manifest, context: CheckContext): Failure | undefined {
  if (manifest.cluster !== context.cluster) {
    return {code: 'wrong-cluster', reason: `signed for cluster '${manifest.cluster}', this is '${context.cluster}'`}
  }
  if (manifest.datacenter !== context.datacenter) {
    return {code: 'wrong-datacenter', reason: `signed for ${manifest.datacenter}, this is ${context.datacenter}`}
  }
  return undefined
}

/**
 * Checks the times. If the job's time of issue (`iat`) is in the future, within the allowed clock skew, the validity is
 * measured from now, because otherwise a signer could extend it.
 */
function checkTime(manifest: Manifest, {nowMs, maxSkewMs, maxValidityMs}: CheckContext): Failure | undefined {
  const {issuedAtMs, notBeforeMs, expiresAtMs} = manifest
  const aheadMs = Math.max(issuedAtMs, notBeforeMs) - nowMs
  if (aheadMs > maxSkewMs) {
    return {code: 'not-yet-valid', reason: `valid in ${formatDuration(aheadMs)}: do the clocks agree?`}
  }
  return checkEnd(expiresAtMs, nowMs) ?? checkValidity(expiresAtMs - Math.min(issuedAtMs, nowMs), maxValidityMs)
}

const checkEnd = (expiresAtMs: number, nowMs: number): Failure | undefined =>
  nowMs > expiresAtMs ? {code: 'expired', reason: `expired ${formatDuration(nowMs - expiresAtMs)} ago`} : undefined

function checkValidity(validityMs: number, maxValidityMs: number): Failure | undefined {
  if (validityMs <= maxValidityMs) return undefined
  const [valid, most] = [formatDuration(validityMs), formatDuration(maxValidityMs)]
  return {code: 'valid-too-long', reason: `valid for ${valid}, at most ${most}`}
}

/**
 * Checks the times of a signed cancel. The cancel may expire at most `maxValidityMs` after the job does, or after now
 * if the job has already expired.
 */
export function checkControlTime(
  control: Control,
  {nowMs, maxValidityMs, job}: Pick<CheckContext, 'nowMs' | 'maxValidityMs'> & {job: Pick<Manifest, 'expiresAtMs'>},
): Failure | undefined {
  const fromMs = Math.max(nowMs, job.expiresAtMs)
  return checkEnd(control.expiresAtMs, nowMs) ?? checkValidity(control.expiresAtMs - fromMs, maxValidityMs)
}

function checkTarget(manifest: Manifest, {node, replay}: CheckContext): Failure | undefined {
  if (!manifest.nodes.includes(node)) return {code: 'wrong-node', reason: `not signed for ${node}`}
  if (replay.has(manifest.id)) return {code: 'replayed', reason: 'this job was run before'}
  return undefined
}
