import type {ConsulClient} from '../../core/client.js'
import {BatonError, isBatonError, messageOf, UsageError} from '../../core/errors.js'
import {pickServerNode} from '../../session/foreign-node.js'
import {openSession} from '../../session/session.js'
import type {Session, SessionOptions} from '../../session/types.js'
import {KeyReader, type NewKey} from '../reader.js'
import type {JobDelivery, Report} from '../reports.js'
import type {JobCommand} from '../types.js'
import {maxJobBytes} from './check.js'
import {type Control, encodeControl} from './control.js'
import {parseObject, type SigningKey, sealEnvelope} from './envelope.js'
import {decodeFrame, decodeResult} from './frames.js'
import {createJobId} from './job-id.js'
import {allowedCode, controlKey, jobKey, runPrefix} from './layout.js'
import {encodeManifest, type Manifest} from './manifest.js'

const sessionTtlMs = 30_000
/**
 * Time without a renewal after which the session counts as lost. It is long because responders continue during outages.
 */
const unprovenLimitMs = 600_000
/** Time from writing the job to the last moment at which a responder may begin it. */
const validityMs = 60_000

export interface NativeOptions {
  readonly client: ConsulClient
  /** Version of the manifest. */
  readonly version: number
  readonly isDryRun: boolean
  readonly command: JobCommand
  readonly nodes: readonly string[]
  readonly datacenter: string
  readonly cluster: string
  /** Keys that sign the job. If there are none, it is unsigned. */
  readonly keys: readonly SigningKey[]
  readonly timeoutMs: number
  readonly killAfterMs: number
  readonly heartbeatMs: number
  readonly maxOutputBytes: number
  readonly requester: {readonly name: string; readonly host: string}
  readonly onRetry: (error: unknown) => void
  /** Called once if something is reported for a node that the job does not name. */
  readonly onForeign: (node: string) => void
}

/**
 * Opens the job's session, which holds every key of the job and depends on no health check. If the initiator dies,
 * the session expires, and Consul deletes the keys within twice the TTL.
 */
export async function openNativeDelivery(options: NativeOptions, signal: AbortSignal): Promise<JobDelivery> {
  const {client} = options
  const nowMs = client.clock.wallMs()
  const id = createJobId(nowMs)
  const session = await openOnServer(client, {
    name: `baton exec ${id}`,
    ttlMs: sessionTtlMs,
    behavior: 'delete',
    lockDelayMs: 0,
    nodeChecks: [],
    unprovenLimitMs,
    signal,
  })
  const manifest: Manifest = {
    version: options.version,
    isDryRun: options.isDryRun,
    id,
    datacenter: options.datacenter,
    cluster: options.cluster,
    issuedAtMs: nowMs,
    notBeforeMs: nowMs,
    expiresAtMs: nowMs + validityMs,
    nodes: options.nodes,
    command: options.command,
    timeoutMs: options.timeoutMs,
    killAfterMs: Math.ceil(options.killAfterMs),
    maxOutputBytes: options.maxOutputBytes,
    heartbeatMs: Math.ceil(options.heartbeatMs),
    session: session.id,
    requester: options.requester,
  }
  return new NativeDelivery(options, session, manifest)
}

/**
 * Consul ends the sessions of a node that leaves, as a client agent does when it is restarted. A server's node stays, so
 * a job may restart every client agent, the initiator's own included. A token that may not list servers, or may not
 * create sessions on them, leaves the agent's own node.
 */
async function openOnServer(client: ConsulClient, options: SessionOptions & {signal: AbortSignal}): Promise<Session> {
  try {
    const node = await pickServerNode(client, options.signal)
    return await openSession(client, {...options, node})
  } catch (error) {
    if (!isBatonError(error, 'BATON_ACL_DENIED') && !isBatonError(error, 'BATON_NO_LEADER')) throw error
    client.logger.warn({error: messageOf(error)}, 'exec.sessionOnOwnNode')
    return openSession(client, options)
  }
}

class NativeDelivery implements JobDelivery {
  readonly via = 'native'
  readonly #options: NativeOptions
  readonly #session: Session
  readonly #manifest: Manifest
  readonly nodes: ReadonlySet<string>
  #hasForeign = false
  #closing: Promise<void> | undefined

  constructor(options: NativeOptions, session: Session, manifest: Manifest) {
    this.nodes = new Set(manifest.nodes)
    this.#options = options
    this.#session = session
    this.#manifest = manifest
  }

  get id(): string {
    return this.#manifest.id
  }

  get lost(): AbortSignal {
    return this.#session.signal
  }

  async start(signal: AbortSignal): Promise<void> {
    const value = sealEnvelope('baton-exec/1', encodeManifest(this.#manifest), this.#options.keys)
    if (value.length > maxJobBytes) {
      throw new UsageError(`job: ${value.length} bytes are more than the ${maxJobBytes} that Consul keeps in one key`, {
        hint: 'shorten the script, or let it fetch its parts',
      })
    }
    const {kv} = this.#options.client
    const how = {session: this.#session.id, signal}
    // Written at once, because responders wait for this key, and Consul wakes a query for a missing key at every write
    // to any key.
    const controlWritten = kv.acquire(controlKey(this.id), Buffer.alloc(0), how)
    const [isWritten] = await Promise.all([kv.acquire(jobKey(this.id), value, how), controlWritten])
    if (!isWritten) throw new BatonError('BATON_HTTP', `job ${jobKey(this.id)}: Consul refused to acquire it`)
  }

  reader(handle: (reports: readonly Report[]) => void): KeyReader {
    const {client, onRetry} = this.#options
    const options = {client, prefix: runPrefix(this.id), needsValue: needsNativeValue, onRetry}
    return new KeyReader(options, keys => {
      const reports = keys.map(parseNativeKey).filter(report => report !== undefined)
      handle(reports.filter(({node}) => this.#isNamed(node)))
    })
  }

  /** A client that may write below `run/` can invent names: only nodes that the signed job names count. */
  #isNamed(node: string): boolean {
    if (this.nodes.has(node)) return true
    if (!this.#hasForeign) this.#options.onForeign(node)
    this.#hasForeign = true
    return false
  }

  async cancel(verb: Control['verb']): Promise<boolean> {
    const {client, keys} = this.#options
    const control = encodeControl({id: this.id, verb, expiresAtMs: client.clock.wallMs() + validityMs})
    const value = sealEnvelope('baton-ctl/1', control, keys)
    await client.kv.acquire(controlKey(this.id), value, {session: this.#session.id})
    return true
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const {kv} = this.#options.client
    await this.#session[Symbol.asyncDispose]()
    await Promise.all([kv.delete(jobKey(this.id)), kv.delete(controlKey(this.id)), kv.deleteTree(runPrefix(this.id))])
  }
}

const nativeKey = /^([^/]+)\/(?:(a)|(r)|(k)|o\/([0-9a-f]{6,}))$/

const needsNativeValue = (rest: string): boolean => nativeKey.test(rest) && !rest.endsWith('/a')

function parseNativeKey({rest, value}: NewKey): Report | undefined {
  const [, node, ack, result, refusal, digits] = nativeKey.exec(rest) ?? []
  if (node === undefined) return undefined
  if (ack !== undefined) return {type: 'ack', node}
  if (refusal !== undefined) return toRefusal(node, value)
  if (result !== undefined) {
    const exit = decodeResult(value)
    return exit ? {type: 'exit', node, exit} : {type: 'refused', node, code: 'bad-result', reason: 'not readable'}
  }
  const seq = Number.parseInt(digits ?? '', 16)
  if (value.length === 0) return {type: 'heartbeat', node, seq}
  const parts = decodeFrame(value)
  return parts && {type: 'output', node, seq, parts}
}

function toRefusal(node: string, value: Buffer): Report {
  const {code, reason} = parseObject(value) ?? {}
  if (code === allowedCode) return {type: 'allowed', node, reason: typeof reason === 'string' ? reason : ''}
  return {
    type: 'refused',
    node,
    code: typeof code === 'string' ? code : 'unknown',
    reason: typeof reason === 'string' ? reason : 'no reason given',
  }
}
