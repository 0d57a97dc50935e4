import type {SigningKey} from './envelope.js'
import {createJobId} from './job-id.js'
import type {Manifest} from './manifest.js'
import {createManifest, type JobFacts, onServerNode, writeJob} from './write-job.js'

interface DetachedOptions extends JobFacts {
  readonly keys: readonly SigningKey[]
  readonly keepMs: number
  readonly windowMs: number
}

/**
 * Writes a job whose session nothing renews. When the TTL has passed, Consul ends the session and deletes all keys of
 * the job, even if no process of baton runs any more. Rejects if the job cannot be written; then nothing runs.
 */
export async function writeDetachedJob(options: DetachedOptions, signal: AbortSignal): Promise<Manifest> {
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
    await writeJob(manifest, {client, keys, signal})
    return manifest
  } catch (error) {
    await client.session.destroy(session).catch(() => {})
    throw error
  }
}
