import {Agent, request as httpRequest, type IncomingMessage} from 'node:http'
import type {RequestOptions} from 'node:https'
import {linkSignal} from '../cancel/link-signal.js'
import type {Clock, Plane, Transport, TransportRequest, TransportResponse} from '../types.js'
import {type AgentAddress, formatAddress} from './address.js'
import type {TlsOptions} from './tls.js'
import {timeoutError, toTransportError} from './transport-errors.js'

/** What a transport is told about the agent it speaks to. */
export interface TransportOptions {
  readonly address: AgentAddress
  readonly tls?: TlsOptions
  readonly clock: Clock
  /** Most parked queries at once. @default 64 */
  readonly watchConnections?: number
  /** Most other requests at once. An agent takes 200 connections from one address by default. @default 64 */
  readonly controlConnections?: number
}

export const defaultWatchConnections = 64
export const defaultControlConnections = 64

/**
 * The transport of short-lived and waiting processes: starts in half the time of undici and keeps control sockets
 * open.
 *
 * @example
 * ```ts
 * await using client = createClient({address, transport: options => new NodeTransport(options)})
 * const {datacenter} = await client.agent.self()
 * datacenter // => 'dc1'
 * ```
 */
export class NodeTransport implements Transport {
  readonly #options: TransportOptions
  readonly #peer: string
  readonly #agents = new Map<Plane, Agent>()
  #isClosed = false

  constructor(options: TransportOptions) {
    this.#options = options
    this.#peer = formatAddress(options.address)
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    const {clock} = this.#options
    using link = linkSignal(request.signal, {
      clock,
      timeoutMs: request.timeoutMs,
      onTimeout: () => timeoutError(this.#peer, request.timeoutMs),
    })
    try {
      return await this.#exchange(request, link.signal)
    } catch (error) {
      throw link.signal.aborted ? link.signal.reason : toTransportError(error, this.#peer)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    for (const agent of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }

  async #exchange(request: TransportRequest, signal: AbortSignal): Promise<TransportResponse> {
    const {address, tls} = this.#options
    const secure = address.protocol === 'https:'
    const send = secure ? (await import('node:https')).request : httpRequest
    const options: RequestOptions = {
      method: request.method,
      path: `${address.basePath}${request.path}`,
      agent: await this.#agent(request.plane, secure),
      headers: {...request.headers, ...(request.body && {'content-length': request.body.byteLength})},
      signal,
      ...(address.socketPath === undefined
        ? {host: address.hostname, port: address.port}
        : {socketPath: address.socketPath}),
      ...(secure && tls),
    }
    return new Promise((resolve, reject) => {
      const outgoing = send(options, incoming => {
        collect(incoming).then(resolve, reject)
      })
      outgoing.on('error', reject)
      outgoing.end(request.body)
    })
  }

  async #agent(plane: Plane, secure: boolean): Promise<Agent> {
    const AgentClass = secure ? (await import('node:https')).Agent : Agent
    const known = this.#agents.get(plane)
    if (known) return known
    if (this.#isClosed) throw new Error('the client is closed')
    const {controlConnections, watchConnections} = this.#options
    const maxSockets =
      plane === 'watch'
        ? (watchConnections ?? defaultWatchConnections)
        : (controlConnections ?? defaultControlConnections)
    const agent = new AgentClass({keepAlive: true, maxSockets, scheduling: 'lifo'})
    this.#agents.set(plane, agent)
    return agent
  }
}

async function collect(incoming: IncomingMessage): Promise<TransportResponse> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  if (!incoming.complete) {
    throw Object.assign(new Error('connection closed in the middle of an answer'), {code: 'ECONNRESET'})
  }
  const headers = new Map<string, string>()
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  const [first] = chunks
  const body = chunks.length === 1 && first ? first : Buffer.concat(chunks)
  return {status: incoming.statusCode ?? 0, headers, body}
}
