import type {ConsulClient} from '../../../core/client.js'
import {RefusedError, UsageError} from '../../../core/errors.js'
import type {StoredJob} from '../../initiator-types.js'
import {checkSignatures} from '../../native/check.js'
import {parseEnvelope} from '../../native/envelope.js'
import type {JobFile} from '../../native/job-file.js'
import {isJobId, jobKey, jobsPrefix} from '../../native/layout.js'
import {parseManifest} from '../../native/manifest.js'
import type {TrustSource} from '../../native/trust.js'

/** A job as it was read from KV. */
export type FoundJob = JobFile

/**
 * Finds the only job whose ID begins with `start`. Rejects with a UsageError if no job or several jobs match, and with
 * a RefusedError if the job cannot be read.
 */
export async function findJob(client: ConsulClient, start: string, signal: AbortSignal): Promise<FoundJob> {
  const how = {signal, consistency: 'consistent'} as const
  const isPart = /^[0-9a-f][0-9a-f-]{0,35}$/.test(start)
  const keys = isPart ? (await client.kv.keys(`${jobsPrefix}${start}`, how)).value : []
  const [id, other] = keys.map(key => key.slice(jobsPrefix.length)).filter(isJobId)
  if (other !== undefined) throw new UsageError(`exec: more than one job begins with '${start}': ${id ?? ''}, ${other}`)
  const value = id === undefined ? undefined : (await client.kv.get(jobKey(id), how)).value?.value
  if (id === undefined || !value) {
    throw new UsageError(`exec: Consul has no job ${start.slice(0, 40)}`, {
      hint: 'jobs are removed when their time is over; the others are listed by: baton exec ls',
    })
  }
  const found = readJob(id, value)
  if (!found) throw new RefusedError(`exec: job ${id} cannot be read: something else wrote it, or a newer baton`)
  return found
}

/**
 * Parses a stored job. Returns undefined unless the value is a job with this ID, of a version that this code can read.
 */
export function readJob(id: string, value: Buffer): FoundJob | undefined {
  const envelope = parseEnvelope('baton-exec/1', value)
  const manifest = envelope && parseManifest(envelope.payload)
  return envelope && typeof manifest === 'object' && manifest.id === id ? {manifest, envelope, value} : undefined
}

/**
 * Resolves with the reason why the job cannot be verified, or with undefined if a trusted key signed it. Rejects with a
 * RefusedError if the signature of a trusted key is wrong.
 */
export async function doubtAbout(
  {envelope, manifest}: Pick<FoundJob, 'envelope' | 'manifest'>,
  trust: TrustSource | undefined,
  nowMs: number,
): Promise<string | undefined> {
  const store = trust ? await trust() : {keys: new Map(), revoked: new Set<string>()}
  const signed = checkSignatures(envelope, {trust: store, unsignedPolicy: undefined, nowMs})
  if (!('code' in signed)) return undefined
  if (signed.code !== 'bad-signature') return signed.reason
  throw new RefusedError(`exec: job ${manifest.id} was changed after it was signed: ${signed.reason}`)
}

export const toStoredJob = ({manifest, envelope}: FoundJob): StoredJob => ({
  id: manifest.id,
  command: manifest.command,
  nodes: manifest.nodes,
  requester: manifest.requester,
  issuedAtMs: manifest.issuedAtMs,
  beginsUntilMs: manifest.expiresAtMs,
  keptUntilMs: manifest.keptUntilMs,
  signers: envelope.signatures.map(({kid}) => kid),
})
