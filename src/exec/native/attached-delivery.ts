import {linkSignal} from '../../core/cancel/link-signal.js'
import {messageOf, SessionLostError} from '../../core/errors.js'
import {follow} from '../../core/query/follow.js'
import {kvKey} from '../../core/query/topics.js'
import type {KeyReader} from '../reader.js'
import type {JobDelivery, Report} from '../reports.js'
import {AnswerReader, type AnswerReaderOptions} from './answer-reader.js'
import type {Control} from './control.js'
import type {SigningKey} from './envelope.js'
import {jobKey} from './layout.js'
import type {Manifest} from './manifest.js'
import {writeControl} from './write-job.js'

interface AttachedOptions extends Omit<AnswerReaderOptions, 'version' | 'id' | 'nodes'> {
  readonly manifest: Manifest
  /** Returns the keys that sign the request to stop the job. Called only if the job is to be stopped. */
  readonly keys: () => Promise<readonly SigningKey[]>
}

/** Reads the answers to a job that another process wrote. Disposing leaves the job and its keys unchanged. */
export class AttachedDelivery implements JobDelivery {
  readonly via = 'native'
  readonly nodes: ReadonlySet<string>
  readonly #options: AttachedOptions
  readonly #answers: AnswerReader
  readonly #gone = new AbortController()
  readonly #left = linkSignal(undefined)
  readonly #watching: Promise<void>

  constructor(options: AttachedOptions) {
    const {version, id, nodes} = options.manifest
    this.nodes = new Set(nodes)
    this.#options = options
    this.#answers = new AnswerReader({...options, version, id, nodes: this.nodes})
    this.#watching = this.#watch()
  }

  get id(): string {
    return this.#options.manifest.id
  }

  get lost(): AbortSignal {
    return this.#gone.signal
  }

  async start(): Promise<void> {
    // Nothing to do, because the process that wrote the job has started it.
  }

  reader(handle: (reports: readonly Report[]) => void): KeyReader {
    return this.#answers.reader(handle)
  }

  async cancel(verb: Control['verb']): Promise<boolean> {
    const {client, manifest, keys} = this.#options
    await writeControl(manifest, verb, {client, keys: await keys()})
    return true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#left.abort(undefined)
    await this.#watching
    this.#left[Symbol.dispose]()
  }

  /**
   * Waits until the job's key is gone. The key belongs to the job's session, which ends with the initiator or after
   * `keepMs`.
   */
  async #watch(): Promise<void> {
    const {client, manifest} = this.#options
    const {signal} = this.#left
    try {
      const how = {signal, freshConsistency: 'consistent'} as const
      for await (const {snapshot} of follow(kvKey(client, jobKey(manifest.id)), client, how)) {
        if (snapshot.value) continue
        const why = 'it is no longer in Consul: its initiator has ended, or its time is over'
        this.#gone.abort(new SessionLostError(`job ${manifest.id}: ${why}`))
        return
      }
    } catch (error) {
      if (!signal.aborted) client.logger.warn({job: manifest.id, error: messageOf(error)}, 'exec.jobNotFollowed')
    }
  }
}
