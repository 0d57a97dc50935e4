import type {KeyObject} from 'node:crypto'
import type {ConsulClient} from '../../core/client.js'
import {txnOperationLimit} from '../../core/consul-constants.js'
import {BatonError, isBatonError, messageOf, UsageError} from '../../core/errors.js'
import {pickServerNode} from '../../session/foreign-node.js'
import {openSession} from '../../session/session.js'
import type {Session, SessionOptions} from '../../session/types.js'
import {KeyReader} from '../reader.js'
import type {JobDelivery, Report, ReportContent} from '../reports.js'
import type {JobCommand} from '../types.js'
import {type OpenedAnswer, openAnswer} from './answers.js'
import {maxJobBytes} from './check.js'
import {type Control, encodeControl} from './control.js'
import {parseObject, type SigningKey, signEnvelope} from './envelope.js'
import {decodeFrame, decodeResult} from './frames.js'
import {createJobId} from './job-id.js'
import {allowedCode, answerRoot, controlKey, jobKey, runPrefix, runsPrefix} from './layout.js'
import {encodeManifest, type Manifest} from './manifest.js'
import {signedVersion} from './versions.js'

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
  /** Called once if an answer is not signed by the key of its responder. */
  readonly onForged: (node: string) => void
  /** Keys that sign the answers of responders, by their names. Answers of others count as unsigned. */
  readonly answerKeys: ReadonlyMap<string, KeyObject>
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
  /** Keys that something else wrote for nodes that the job does not name. */
  readonly #foreignKeys: string[] = []
  #hasForged = false
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
    const value = await signEnvelope('baton-exec/1', encodeManifest(this.#manifest), this.#options.keys)
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
    const {version} = this.#manifest
    const prefix = version < signedVersion ? runPrefix(this.id) : runsPrefix
    const parse = (rest: string): AnswerKey | undefined => parseAnswerKey(rest, version)
    // Acks have values too, because these are signed.
    const needsValue = (rest: string): boolean => parse(rest) !== undefined
    const isOurs = (rest: string): boolean => version < signedVersion || parse(rest)?.id === this.id
    return new KeyReader({client, prefix, needsValue, isOurs, onRetry}, keys => {
      const forged: string[] = []
      const reports: Report[] = []
      for (const {rest, value} of keys) {
        const key = parse(rest)
        if (!key || !this.#isNamed(key.node, prefix + rest)) continue
        const opened = this.#open(key, value)
        if (opened) reports.push(...toReports(key, opened))
        else forged.push(rest)
      }
      handle(reports)
      return forged
    })
  }

  /** Returns undefined for an answer that its responder should have signed and did not. It may still replace it. */
  #open({node, name}: AnswerKey, value: Buffer): OpenedAnswer | undefined {
    const {version, id} = this.#manifest
    const opened = openAnswer({version, id, node}, {name, value}, this.#options.answerKeys.get(node))
    if (!opened && !this.#hasForged) {
      this.#hasForged = true
      this.#options.onForged(node)
    }
    return opened
  }

  /** A client that may write below `run/` can invent names: only nodes that the signed job names count. */
  #isNamed(node: string, key: string): boolean {
    if (this.nodes.has(node)) return true
    if (this.#foreignKeys.length === 0) this.#options.onForeign(node)
    if (this.#foreignKeys.length < maxForeignKeys) this.#foreignKeys.push(key)
    return false
  }

  async cancel(verb: Control['verb']): Promise<boolean> {
    const {client, keys} = this.#options
    const control = encodeControl({id: this.id, verb, expiresAtMs: client.clock.wallMs() + validityMs})
    const value = await signEnvelope('baton-ctl/1', control, keys)
    await client.kv.acquire(controlKey(this.id), value, {session: this.#session.id})
    return true
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const {kv} = this.#options.client
    const {version, id} = this.#manifest
    await this.#session[Symbol.asyncDispose]()
    await Promise.all([kv.delete(jobKey(id)), kv.delete(controlKey(id))])
    if (version < signedVersion) await kv.deleteTree(runPrefix(id))
    else await this.#deleteForged()
  }

  /** What others wrote does not belong to the session, so that it is still there. The token may lack the permission. */
  async #deleteForged(): Promise<void> {
    const {kv, txn} = this.#options.client
    const {version, id, nodes} = this.#manifest
    if (this.#hasForged) for (const node of nodes) await kv.deleteTree(answerRoot({version, id, node})).catch(() => {})
    // A path of HTTP cannot hold every name.
    if (this.#foreignKeys.length > 0) {
      await txn.commit(this.#foreignKeys.map(key => ({verb: 'delete', key}))).catch(() => {})
    }
  }
}

/** Maximum number of keys of strangers that are deleted at the end, in one transaction. */
const maxForeignKeys = txnOperationLimit

interface AnswerKey {
  readonly node: string
  readonly id: string
  readonly name: string
}

const answerName = /^(?:[ark]|o\/[0-9a-f]{6,})$/

/** Returns undefined for a key that is not one of an answer. */
function parseAnswerKey(rest: string, version: number): AnswerKey | undefined {
  const parts = rest.split('/')
  const [node = '', id = ''] = version < signedVersion ? [parts[0]] : parts
  const name = parts.slice(version < signedVersion ? 1 : 2).join('/')
  return node !== '' && answerName.test(name) ? {node, id, name} : undefined
}

function toReports({node, name}: AnswerKey, {body, isSigned}: OpenedAnswer): readonly Report[] {
  const content = toContent(node, name, body)
  return content ? [{...content, isSigned}] : []
}

function toContent(node: string, name: string, body: Buffer): ReportContent | undefined {
  if (name === 'a') return {type: 'ack', node}
  if (name === 'k') return toRefusal(node, body)
  if (name === 'r') {
    const exit = decodeResult(body)
    return exit ? {type: 'exit', node, exit} : {type: 'refused', node, code: 'bad-result', reason: 'not readable'}
  }
  const seq = Number.parseInt(name.slice(2), 16)
  if (body.length === 0) return {type: 'heartbeat', node, seq}
  const parts = decodeFrame(body)
  return parts && {type: 'output', node, seq, parts}
}

function toRefusal(node: string, value: Buffer): ReportContent {
  const {code, reason} = parseObject(value) ?? {}
  if (code === allowedCode) return {type: 'allowed', node, reason: typeof reason === 'string' ? reason : ''}
  return {
    type: 'refused',
    node,
    code: typeof code === 'string' ? code : 'unknown',
    reason: typeof reason === 'string' ? reason : 'no reason given',
  }
}
