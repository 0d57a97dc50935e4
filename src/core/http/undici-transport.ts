import type {IncomingHttpHeaders} from 'node:http'
import {Client, type Dispatcher} from 'undici'
import type {Plane, Transport, TransportRequest, TransportResponse} from '../types.js'
import {formatAddress} from './address.js'
import {type Deadline, startDeadline} from './deadline.js'
import {Lane} from './lane.js'
import {defaultControlConnections, defaultWatchConnections, type TransportOptions} from './node-transport.js'
import {joinChunks, toHeaderMap} from './response-parts.js'
import {toTransportError} from './transport-errors.js'

/** Consul never closes an idle connection by itself; with undici's own 4 s a renewal would need a new one each time. */
const keepAliveMs = 600_000

/**
 * The transport of processes that hold many queries. Hand it to `createClient` as `transport`.
 *
 * @example
 * ```ts
 * await using client = createClient({address, transport: undiciTransport})
 * const {datacenter} = await client.agent.self()
 * datacenter // => 'dc1'
 * ```
 */
export const undiciTransport = (options: TransportOptions): Transport => new UndiciTransport(options)

/**
 * A lane of clients with one connection each, instead of undici's pool: that one opens a new connection whenever a
 * request is given up, and each would occupy the agent beside the poll that it goes on serving.
 */
class UndiciTransport implements Transport {
  readonly #options: TransportOptions
  readonly #peer: string
  readonly #lanes: Readonly<Record<Plane, Lane<Client>>>

  constructor(options: TransportOptions) {
    const {controlConnections = defaultControlConnections, watchConnections = defaultWatchConnections} = options
    this.#options = options
    this.#peer = formatAddress(options.address)
    const open = (): Client => this.#open()
    this.#lanes = {control: new Lane(controlConnections, open), watch: new Lane(watchConnections, open)}
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    const deadline = startDeadline(request, {clock: this.#options.clock, peer: this.#peer})
    const {signal} = deadline
    const lane = this.#lanes[request.plane]
    let client: Client | undefined
    let isReusable = false
    try {
      signal.throwIfAborted()
      client = await lane.take(signal)
      const answer = await this.#exchange(client, request, deadline)
      isReusable = true
      return answer
    } catch (error) {
      throw signal.aborted ? signal.reason : toTransportError(error, this.#peer)
    } finally {
      deadline[Symbol.dispose]()
      if (client) {
        lane.give(client, isReusable)
        if (!isReusable) discard(client)
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Error('the client is closed')
    const clients = Object.values(this.#lanes).flatMap(lane => lane.close(closed))
    await Promise.all(clients.map(client => client.destroy(closed)))
  }

  /** By `dispatch`, without the streams of `request`: they cost as much as everything else on the way of a wake-up. */
  #exchange(client: Client, request: TransportRequest, deadline: Deadline): Promise<TransportResponse> {
    const {signal} = deadline
    return new Promise((resolve, reject) => {
      // Given up between the lane and here.
      signal.throwIfAborted()
      // Who rejects gives the client up, and with it the request.
      signal.addEventListener('abort', () => reject(signal.reason), {once: true})
      const options: Dispatcher.DispatchOptions = {
        method: request.method,
        path: `${this.#options.address.basePath}${request.path}`,
        ...(request.headers && {headers: request.headers}),
        ...(request.body && {body: request.body}),
      }
      client.dispatch(options, new Collector(() => deadline.moved(), resolve, reject))
    })
  }

  #open(): Client {
    const {address, tls} = this.#options
    const host = address.hostname.includes(':') ? `[${address.hostname}]` : address.hostname
    return new Client(`${address.protocol}//${host}:${address.port}`, {
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // The deadline of each request covers these.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: {...tls, ...(address.socketPath !== undefined && {socketPath: address.socketPath})},
    })
  }
}

function discard(client: Client): void {
  client.destroy().catch(() => {})
}

/** Puts one answer together. */
class Collector implements Dispatcher.DispatchHandler {
  readonly #moved: () => void
  readonly #resolve: (answer: TransportResponse) => void
  readonly #reject: (error: unknown) => void
  readonly #chunks: Buffer[] = []
  #status = 0
  #headers: ReadonlyMap<string, string> = new Map()

  constructor(moved: () => void, resolve: (answer: TransportResponse) => void, reject: (error: unknown) => void) {
    this.#moved = moved
    this.#resolve = resolve
    this.#reject = reject
  }

  // undici knows a handler of this kind by the presence of this method.
  onRequestStart(): void {}

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#moved()
    this.#status = status
    this.#headers = toHeaderMap(headers)
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#moved()
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#resolve({status: this.#status, headers: this.#headers, body: joinChunks(this.#chunks)})
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#reject(error)
  }
}
