import {type SigningKey, signEnvelope} from './envelope.js'
import {createJobId} from './job-id.js'
import {encodeManifest, type Manifest} from './manifest.js'
import {createManifest, type JobFacts, onServerNode, writeSignedJob} from './write-job.js'

interface DetachedOptions extends JobFacts {
  readonly keys: readonly SigningKey[]
  readonly keepMs: number
  readonly windowMs: number
}

/** A signed job that is not written yet. Its session already exists. */
export interface PreparedJob {
  readonly manifest: Manifest
  readonly value: Buffer
}

/**
 * Signs a job whose session is never renewed. When the TTL has passed, Consul ends the session and deletes all keys of
 * the job, even if no baton process is running.
 */
export async function prepareJob(options: DetachedOptions, signal: AbortSignal): Promise<PreparedJob> {
  const {client, keys, keepMs, windowMs} = options
  const nowMs = client.clock.wallMs()
  const id = createJobId(nowMs)
  const {id: session} = await onServerNode(client, signal, node =>
    client.session.create(
      {name: `baton exec ${id}`, ttlMs: keepMs, behavior: 'delete', lockDelayMs: 0, nodeChecks: [], ...node},
      {signal},
    ),
  )
  try {
    const manifest = createManifest(options, {id, session, nowMs, validityMs: windowMs, keepMs})
    return {manifest, value: await signEnvelope('baton-exec/1', encodeManifest(manifest), keys)}
  } catch (error) {
    await client.session.destroy(session).catch(() => {})
    throw error
  }
}

/**
 * Prepares a job as {@link prepareJob} does, and writes it. Rejects if the job cannot be written, in which case nothing
 * runs.
 */
export async function writeDetachedJob(options: DetachedOptions, signal: AbortSignal): Promise<Manifest> {
  const {client} = options
  const {manifest, value} = await prepareJob(options, signal)
  try {
    await writeSignedJob(manifest, value, {client, signal})
    return manifest
  } catch (error) {
    await client.session.destroy(manifest.session).catch(() => {})
    throw error
  }
}
