import type {ConsulClient} from '../../core/client.js'
import {serfHealth} from '../../core/consul-constants.js'
import {BatonError} from '../../core/errors.js'
import {pickServerNode} from '../../session/foreign-node.js'
import {openSession} from '../../session/session.js'
import type {Session, SessionOptions} from '../../session/types.js'
import {KeyReader} from '../reader.js'
import type {JobDelivery, Report} from '../reports.js'
import type {JobCommand} from '../types.js'
import {
  checkEventRoom,
  type EventFilter,
  encodeRexecJob,
  encodeRexecPayload,
  jobRoot,
  needsRexecValue,
  packNodes,
  parseRexecKey,
  rexecEvent,
} from './wire.js'

const sessionTtlMs = 15_000
/**
 * Time without a renewal after which the session counts as lost. It is long because nodes keep working during outages
 * of Consul.
 */
const unprovenLimitMs = 600_000

export interface RexecOptions {
  readonly client: ConsulClient
  readonly command: JobCommand
  readonly prefix: string
  /** Interval between heartbeats of the nodes. */
  readonly waitMs: number
  /**
   * Pause between writing the job and firing its event, during which the job can reach all servers. An agent whose
   * stale read finds no job repeats the read as a consistent one.
   */
  readonly replicationWaitMs: number
  /** The caller's filters, or the names of nodes if the job is for only some of the matching nodes. */
  readonly reach: EventFilter | {readonly names: readonly string[]}
  readonly onRetry: (error: unknown) => void
  readonly onNotice: (notice: RexecNotice) => void
}

export type RexecNotice =
  | {readonly type: 'session-created' | 'event-fired'; readonly id: string}
  | {readonly type: 'job-written'}
  | {readonly type: 'unknown-key'; readonly key: string}

/** Opens the session of a job that Consul's own agents will run. */
export async function openRexecDelivery(options: RexecOptions, signal: AbortSignal): Promise<JobDelivery> {
  const {client} = options
  const payloadBytes = encodeRexecPayload(options.prefix, '0'.repeat(36)).length
  const filters = 'names' in options.reach ? await packNodes(options.reach.names, payloadBytes) : [options.reach]
  for (const filter of filters) checkEventRoom(filter, payloadBytes)
  const job = encodeRexecJob(options.command, options.waitMs)
  const request = await sessionRequest(client, signal)
  const session = await openSession(client, {
    ...request,
    ttlMs: sessionTtlMs,
    behavior: 'delete',
    unprovenLimitMs,
    signal,
  })
  options.onNotice({type: 'session-created', id: session.id})
  return new RexecDelivery(options, session, {filters, job})
}

/** In another datacenter, the session belongs to the node of a server, because the caller has no agent there. */
async function sessionRequest(client: ConsulClient, signal: AbortSignal): Promise<SessionOptions> {
  const {datacenter} = client.scope
  const own = {name: 'Remote Exec', nodeChecks: [serfHealth]}
  if (datacenter === undefined || datacenter === '') return own
  const self = await client.agent.self({signal})
  if (self.datacenter === datacenter) return own
  const node = await pickServerNode(client, signal)
  return {name: `Remote Exec via ${self.node}@${self.datacenter}`, node, nodeChecks: []}
}

class RexecDelivery implements JobDelivery {
  readonly via = 'rexec'
  readonly nodes = undefined
  readonly #options: RexecOptions
  readonly #session: Session
  readonly #wire: {readonly filters: readonly EventFilter[]; readonly job: Buffer}
  readonly #root: string
  #closing: Promise<void> | undefined

  constructor(options: RexecOptions, session: Session, wire: {filters: readonly EventFilter[]; job: Buffer}) {
    this.#options = options
    this.#session = session
    this.#wire = wire
    this.#root = jobRoot(options.prefix, session.id)
  }

  get id(): string {
    return this.#session.id
  }

  get lost(): AbortSignal {
    return this.#session.signal
  }

  async start(signal: AbortSignal): Promise<void> {
    const {client, prefix, replicationWaitMs, onNotice} = this.#options
    const {id: session} = this.#session
    const isWritten = await client.kv.acquire(`${this.#root}/job`, this.#wire.job, {session, signal})
    if (!isWritten) throw new BatonError('BATON_HTTP', `job ${this.#root}/job: Consul refused to acquire it`)
    onNotice({type: 'job-written'})
    if (replicationWaitMs > 0) await client.clock.sleep(replicationWaitMs, signal)
    const payload = encodeRexecPayload(prefix, session)
    for (const filter of this.#wire.filters) {
      const event = await client.event.fire(rexecEvent, payload, {...filter, signal})
      onNotice({type: 'event-fired', id: event.id})
    }
  }

  reader(handle: (reports: readonly Report[]) => void): KeyReader {
    const {client, onRetry, onNotice} = this.#options
    const options = {client, prefix: `${this.#root}/`, needsValue: needsRexecValue, onRetry}
    return new KeyReader(options, keys => {
      const reports: Report[] = []
      for (const key of keys) {
        const report = parseRexecKey(key)
        if (report) reports.push(report)
        else if (key.rest !== 'job') onNotice({type: 'unknown-key', key: key.rest})
      }
      handle(reports)
      return []
    })
  }

  /** Agents cannot be asked to stop a job. When the session has ended, they stop reporting, but the child continues. */
  async cancel(): Promise<boolean> {
    return false
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /**
   * Destroys the session first, so that late writes fail, and then deletes the keys that do not belong to the session.
   */
  async #close(): Promise<void> {
    await this.#session[Symbol.asyncDispose]()
    await this.#options.client.kv.deleteTree(`${this.#root}/`)
  }
}
