import type {KeyObject} from 'node:crypto'
import {openSession} from '../../session/session.js'
import type {Session} from '../../session/types.js'
import type {KeyReader} from '../reader.js'
import type {JobDelivery, Report} from '../reports.js'
import {AnswerReader} from './answer-reader.js'
import type {Control} from './control.js'
import type {SigningKey} from './envelope.js'
import {createJobId} from './job-id.js'
import {controlKey, jobKey, runPrefix} from './layout.js'
import type {Manifest} from './manifest.js'
import {signedVersion} from './versions.js'
import {createManifest, type JobFacts, onServerNode, validityMs, writeControl, writeJob} from './write-job.js'

const sessionTtlMs = 30_000
/**
 * Time without a renewal after which the session counts as lost. It is long because responders keep working during
 * outages of Consul.
 */
const unprovenLimitMs = 600_000

export interface NativeOptions extends JobFacts {
  /** Keys that sign the job. If the list is empty, the job is unsigned. */
  readonly keys: readonly SigningKey[]
  readonly onRetry: (error: unknown) => void
  /** Called once if an answer names a node to which the job is not addressed. */
  readonly onForeign: (node: string) => void
  /** Called once if an answer is not signed by the key of its node's responder. */
  readonly onForged: (node: string) => void
  /** Public keys of responders, by responder name. Answers of responders without a key count as unsigned. */
  readonly answerKeys: ReadonlyMap<string, KeyObject>
}

/**
 * Opens the job's session, to which every key of the job belongs and which has no health checks. If the initiator dies,
 * the session expires, and Consul deletes the keys within twice the TTL.
 */
export async function openNativeDelivery(options: NativeOptions, signal: AbortSignal): Promise<JobDelivery> {
  const {client} = options
  const nowMs = client.clock.wallMs()
  const id = createJobId(nowMs)
  const session = await onServerNode(client, signal, node =>
    openSession(client, {
      name: `baton exec ${id}`,
      ttlMs: sessionTtlMs,
      behavior: 'delete',
      lockDelayMs: 0,
      nodeChecks: [],
      unprovenLimitMs,
      signal,
      ...node,
    }),
  )
  const manifest = createManifest(options, {id, session: session.id, nowMs, validityMs})
  return new NativeDelivery(options, session, manifest)
}

class NativeDelivery implements JobDelivery {
  readonly via = 'native'
  readonly #options: NativeOptions
  readonly #session: Session
  readonly #manifest: Manifest
  readonly nodes: ReadonlySet<string>
  readonly #answers: AnswerReader
  #closing: Promise<void> | undefined

  constructor(options: NativeOptions, session: Session, manifest: Manifest) {
    this.nodes = new Set(manifest.nodes)
    this.#options = options
    this.#session = session
    this.#manifest = manifest
    const {version, id} = manifest
    this.#answers = new AnswerReader({...options, version, id, nodes: this.nodes, ignored: new Set()})
  }

  get id(): string {
    return this.#manifest.id
  }

  get lost(): AbortSignal {
    return this.#session.signal
  }

  async start(signal: AbortSignal): Promise<void> {
    const {client, keys} = this.#options
    await writeJob(this.#manifest, {client, keys, signal})
  }

  reader(handle: (reports: readonly Report[]) => void): KeyReader {
    return this.#answers.reader(handle)
  }

  async cancel(verb: Control['verb']): Promise<boolean> {
    const {client, keys} = this.#options
    await writeControl(this.#manifest, verb, {client, keys})
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
    else await this.#answers.deleteForged()
  }
}
