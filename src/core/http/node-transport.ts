import {connect, isIP, type Socket} from 'node:net'
import type {Clock, Plane, Transport, TransportRequest, TransportResponse} from '../types.js'
import {type AgentAddress, formatAddress} from './address.js'
import {Connection} from './connection.js'
import {startDeadline} from './deadline.js'
import {Lane} from './lane.js'
import type {TlsOptions} from './tls.js'
import {toTransportError} from './transport-errors.js'

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

/** So that a dead peer is noticed although a parked query is silent for minutes. */
const socketOptions = {noDelay: true, keepAlive: true, keepAliveInitialDelay: 1000}

/**
 * The transport of short-lived and waiting processes, on Node's sockets alone: a whole lock takes a fifth less processor
 * time than with node:http, and a start with undici twice as long.
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
  readonly #lanes: Readonly<Record<Plane, Lane<Connection>>>
  #connectTls: typeof import('node:tls')['connect'] | undefined

  constructor(options: TransportOptions) {
    const {controlConnections = defaultControlConnections, watchConnections = defaultWatchConnections} = options
    this.#options = options
    this.#peer = formatAddress(options.address)
    const isSecure = options.address.protocol === 'https:'
    const open = (): Connection =>
      new Connection({open: () => this.#dial(), readyEvent: isSecure ? 'secureConnect' : 'connect'})
    this.#lanes = {control: new Lane(controlConnections, open), watch: new Lane(watchConnections, open)}
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    const {clock, address} = this.#options
    using deadline = startDeadline(request, {clock, peer: this.#peer})
    const {signal} = deadline
    const lane = this.#lanes[request.plane]
    let connection: Connection | undefined
    try {
      if (address.protocol === 'https:') this.#connectTls ??= (await import('node:tls')).connect
      signal.throwIfAborted()
      const bytes = encodeRequest(request, address)
      connection = await lane.take(signal)
      return await connection.exchange(bytes, deadline)
    } catch (error) {
      throw signal.aborted ? signal.reason : toTransportError(error, this.#peer)
    } finally {
      if (connection) lane.give(connection, true)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Error('the client is closed')
    for (const lane of Object.values(this.#lanes)) for (const one of lane.close(closed)) one.close(closed)
  }

  #dial(): Socket {
    const {address, tls} = this.#options
    const {hostname, port, socketPath} = address
    const peer = socketPath === undefined ? {host: hostname, port} : {path: socketPath}
    if (!this.#connectTls) return connect({...socketOptions, ...peer})
    const servername = isIP(hostname) === 0 ? hostname : ''
    return this.#connectTls({...socketOptions, ...peer, servername, ALPNProtocols: ['http/1.1'], ...tls})
  }
}

/** The head and the body in one piece: small ones leave in one packet. */
function encodeRequest(request: TransportRequest, address: AgentAddress): Buffer {
  const {method, body} = request
  const path = `${address.basePath}${request.path}`
  if (!/^[\x21-\x7e]+$/.test(path)) throw new Error('the path of the request holds what must be percent-encoded')
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${hostHeader(address)}`]
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    // A line break would begin another header, or another request.
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) throw new Error(`header ${name}: it holds what a header cannot`)
    lines.push(`${name}: ${value}`)
  }
  if (method !== 'GET' || body) lines.push(`content-length: ${body?.byteLength ?? 0}`)
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return body ? Buffer.concat([head, body]) : head
}

function hostHeader({protocol, hostname, port, socketPath}: AgentAddress): string {
  const host = hostname.includes(':') ? `[${hostname}]` : hostname
  return socketPath !== undefined || port === (protocol === 'https:' ? 443 : 80) ? host : `${host}:${port}`
}
