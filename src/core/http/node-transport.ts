import {connect, isIP, type OnReadOpts, type Socket} from 'node:net'
import type {AgentAddress} from './address.js'
import {Connection} from './connection.js'
import type {Deadline} from './deadline.js'
import {checkRequest, LaneTransport} from './lane-transport.js'
import type {Gap, SendPrepared, TransportRequest, TransportResponse} from './types.js'

/** Keep-alive probes detect a dead peer even while a blocking query is silent for minutes. */
const socketOptions = {noDelay: true, keepAlive: true, keepAliveInitialDelay: 1000}

/**
 * The default transport, which needs only Node's sockets. With it, a lock uses a fifth less CPU time than with
 * node:http, and a process starts twice as fast as with undici.
 *
 * @example
 * ```ts
 * await using client = createClient({address, transport: options => new NodeTransport(options)})
 * const {datacenter} = await client.agent.self()
 * datacenter // => 'dc1'
 * ```
 */
export class NodeTransport extends LaneTransport<Connection> {
  #connectTls: typeof import('node:tls')['connect'] | undefined

  /** Returns a connection that is not connected yet. */
  protected open(): Connection {
    const isSecure = this.options.address.protocol === 'https:'
    return new Connection({open: onread => this.#dial(onread), readyEvent: isSecure ? 'secureConnect' : 'connect'})
  }

  /** Sends one request on a connection. */
  protected async exchange(
    connection: Connection,
    request: TransportRequest,
    deadline: Deadline,
  ): Promise<TransportResponse> {
    const {address} = this.options
    if (address.protocol === 'https:') this.#connectTls ??= (await import('node:tls')).connect
    return connection.exchange(encodeRequest(request, address), {deadline, takeMemory: request.takeMemory})
  }

  /** Encodes the request. Sending it writes the bytes before anything else. */
  prepare(request: TransportRequest, gap: Gap): SendPrepared {
    checkRequest(request)
    const encoded = encodeRequest(request, this.options.address)
    const body = encoded.subarray(encoded.length - (request.body?.byteLength ?? 0))
    return text => {
      body.write(text.padStart(gap.length), gap.at, 'latin1')
      const connection = this.lanes[request.plane].takeFree()
      const isWritten = connection?.write(encoded) === true
      if (!connection) return this.send({...request, body})
      const exchange = (deadline: Deadline): Promise<TransportResponse> =>
        isWritten
          ? connection.exchange(encoded, {deadline, takeMemory: request.takeMemory, isWritten})
          : this.exchange(connection, {...request, body}, deadline)
      return this.perform(request, {connection, exchange})
    }
  }

  /** Closes a connection and rejects its request. */
  protected async close(connection: Connection, error: Error): Promise<void> {
    connection.close(error)
  }

  #dial(onread: OnReadOpts): Socket {
    const {address, tls} = this.options
    const {hostname, port, socketPath} = address
    const peer = socketPath === undefined ? {host: hostname, port} : {path: socketPath}
    if (!this.#connectTls) return connect({...socketOptions, ...peer, onread})
    const servername = isIP(hostname) === 0 ? hostname : ''
    // The option `onread` is documented for tls.connect but missing from its types.
    const reading: object = {onread}
    return this.#connectTls({
      ...socketOptions,
      ...peer,
      ...reading,
      servername,
      ALPNProtocols: ['http/1.1'],
      ...tls,
    })
  }
}

/** Returns the head and the body in one buffer, so that a small request is sent in one packet. */
function encodeRequest(request: TransportRequest, address: AgentAddress): Buffer {
  const {method, body} = request
  const path = `${address.basePath}${request.path}`
  if (!/^[\x21-\x7e]+$/.test(path)) throw new Error('the request path contains characters that must be percent-encoded')
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${hostHeader(address)}`]
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    // A line break in a header's value would begin another header or another request.
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new Error(`header ${name}: contains a character that a header cannot have`)
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
