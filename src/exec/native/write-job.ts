import type {ConsulClient} from '../../core/client.js'
import {BatonError, isBatonError, messageOf, UsageError} from '../../core/errors.js'
import type {KvOperation, SessionId} from '../../core/types.js'
import {pickServerNode} from '../../session/foreign-node.js'
import type {JobCommand} from '../types.js'
import {maxJobBytes} from './check.js'
import {type Control, encodeControl} from './control.js'
import {type SigningKey, signEnvelope} from './envelope.js'
import {controlKey, jobKey} from './layout.js'
import {encodeManifest, type Manifest} from './manifest.js'

/** Time for which responders may begin a job, or obey a cancel, after it was written. */
export const validityMs = 60_000

/** The content of a job, without its ID, session and times. */
export interface JobFacts {
  readonly client: ConsulClient
  /** Version of the manifest. */
  readonly version: number
  readonly isDryRun: boolean
  readonly command: JobCommand
  readonly nodes: readonly string[]
  readonly datacenter: string
  readonly cluster: string
  readonly timeoutMs: number
  readonly killAfterMs: number
  readonly heartbeatMs: number
  readonly maxOutputBytes: number
  readonly requester: {readonly name: string; readonly host: string}
}

interface JobBirth {
  readonly id: string
  readonly session: SessionId
  readonly nowMs: number
  /** Time within which responders may begin the job. */
  readonly validityMs: number
  /** Time for which the answers are kept. Undefined if an initiator renews the session. */
  readonly keepMs?: number
}

export const createManifest = (facts: JobFacts, birth: JobBirth): Manifest => ({
  version: facts.version,
  isDryRun: facts.isDryRun,
  id: birth.id,
  datacenter: facts.datacenter,
  cluster: facts.cluster,
  issuedAtMs: birth.nowMs,
  notBeforeMs: birth.nowMs,
  expiresAtMs: birth.nowMs + Math.ceil(birth.validityMs),
  nodes: facts.nodes,
  command: facts.command,
  timeoutMs: facts.timeoutMs,
  killAfterMs: Math.ceil(facts.killAfterMs),
  maxOutputBytes: facts.maxOutputBytes,
  heartbeatMs: Math.ceil(facts.heartbeatMs),
  session: birth.session,
  requester: facts.requester,
  ...(birth.keepMs !== undefined && {keptUntilMs: birth.nowMs + birth.keepMs}),
})

/**
 * Calls `open` with the node of a server, to which a session is then attached. Consul ends the sessions of a node that
 * leaves, and a client agent leaves when it is restarted, but a server does not. With a session on a server, a job may
 * therefore restart every client agent, including the initiator's own. If the token may not list servers or create
 * sessions on them, calls `open` with the agent's own node.
 */
export async function onServerNode<T>(
  client: ConsulClient,
  signal: AbortSignal,
  open: (where: {readonly node?: string}) => Promise<T>,
): Promise<T> {
  try {
    return await open({node: await pickServerNode(client, signal)})
  } catch (error) {
    if (!isBatonError(error, 'BATON_ACL_DENIED') && !isBatonError(error, 'BATON_NO_LEADER')) throw error
    client.logger.warn({error: messageOf(error)}, 'exec.sessionOnOwnNode')
    return open({})
  }
}

/**
 * Writes a job that may already be in Consul. Resolves with the reason if the job cannot be written because its session
 * has ended. An existing job and its control key stay unchanged, so that a cancel is never undone.
 */
export async function writeJobOnce(
  {id, session}: Pick<Manifest, 'id' | 'session'>,
  value: Buffer,
  {client, signal}: {readonly client: ConsulClient; readonly signal: AbortSignal},
): Promise<string | undefined> {
  const {kv, txn} = client
  const operations: readonly KvOperation[] = [
    {verb: 'check-not-exists', key: jobKey(id)},
    {verb: 'lock', key: controlKey(id), value: Buffer.alloc(0), session},
  ]
  const result = await txn.commit(operations, {signal})
  if (result.committed) {
    if (await kv.acquire(jobKey(id), value, {session, signal})) return undefined
    throw new BatonError('BATON_HTTP', `job ${jobKey(id)}: Consul refused to acquire it`)
  }
  const found = (await kv.get(jobKey(id), {signal, consistency: 'consistent'})).value
  return found ? undefined : (result.errors[0]?.what ?? 'refused')
}

interface JobWriting {
  readonly client: ConsulClient
  /** Keys that sign the job. If the list is empty, the job is not signed. */
  readonly keys: readonly SigningKey[]
}

/** Signs and writes a job. After that, nodes may run the job. */
export async function writeJob(
  manifest: Manifest,
  {client, keys, signal}: JobWriting & {readonly signal: AbortSignal},
): Promise<void> {
  const value = await signEnvelope('baton-exec/1', encodeManifest(manifest), keys)
  await writeSignedJob(manifest, value, {client, signal})
}

/** Writes a job whose envelope is complete. After that, nodes may run the job. */
export async function writeSignedJob(
  {id, session}: Pick<Manifest, 'id' | 'session'>,
  value: Buffer,
  {client, signal}: {readonly client: ConsulClient; readonly signal: AbortSignal},
): Promise<void> {
  if (value.length > maxJobBytes) {
    throw new UsageError(`job: ${value.length} bytes are more than the ${maxJobBytes} that Consul keeps in one key`, {
      hint: 'shorten the script, or let it fetch its parts',
    })
  }
  const {kv} = client
  const how = {session, signal}
  // The control key is created with the job, because responders watch it, and a blocking query for a missing key would
  // wake up at every write to any key.
  const controlWritten = kv.acquire(controlKey(id), Buffer.alloc(0), how)
  const [isWritten] = await Promise.all([kv.acquire(jobKey(id), value, how), controlWritten])
  if (!isWritten) throw new BatonError('BATON_HTTP', `job ${jobKey(id)}: Consul refused to acquire it`)
}

/** Asks the responders to stop a job, including those that would begin it later. */
export async function writeControl(
  {id, session, expiresAtMs}: Pick<Manifest, 'id' | 'session' | 'expiresAtMs'>,
  verb: Control['verb'],
  {client, keys}: JobWriting,
): Promise<void> {
  const untilMs = Math.max(client.clock.wallMs(), expiresAtMs) + validityMs
  const value = await signEnvelope('baton-ctl/1', encodeControl({id, verb, expiresAtMs: untilMs}), keys)
  await client.kv.acquire(controlKey(id), value, {session})
}
