import type {IncomingHttpHeaders} from 'node:http'
import {Client, type Dispatcher} from 'undici'
import {listenForAbort} from '../cancel/listen-for-abort.js'
import type {Deadline} from './deadline.js'
import {LaneTransport} from './lane-transport.js'
import {joinChunks, toHeaderMap} from './response-parts.js'
import type {TransportRequest, TransportResponse} from './types.js'

/**
 * Consul never closes an idle connection by itself. With undici's own timeout of 4 s, each renewal of a session would
 * need a new connection.
 */
const keepAliveMs = 600_000

/**
 * A transport whose undici clients have one connection each. It does not use undici's pool, which opens a new
 * connection after each cancelled request although the agent still serves the cancelled query on the old one.
 */
export class UndiciLanes extends LaneTransport<Client> {
  /**
   * Uses `dispatch`, because the streams of undici's `request` would double the cost of handling an
   * answer.
   */
  protected exchange(client: Client, request: TransportRequest, deadline: Deadline): Promise<TransportResponse> {
    const {signal} = deadline
    return new Promise((resolve, reject) => {
      // The request may have been cancelled before it got a connection.
      signal.throwIfAborted()
      // Rejecting discards the client, which cancels the request.
      listenForAbort(signal, () => reject(signal.reason))
      const options: Dispatcher.DispatchOptions = {
        method: request.method,
        path: `${this.options.address.basePath}${request.path}`,
        ...(request.headers && {headers: request.headers}),
        ...(request.body && {body: request.body}),
      }
      client.dispatch(options, new Collector(() => deadline.moved(), resolve, reject))
    })
  }

  protected async close(client: Client, error: Error): Promise<void> {
    // undici rejects if the client is already destroyed.
    await client.destroy(error).catch(() => {})
  }

  protected open(): Client {
    const {address, tls} = this.options
    const host = address.hostname.includes(':') ? `[${address.hostname}]` : address.hostname
    return new Client(`${address.protocol}//${host}:${address.port}`, {
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // Disabled, because each request has its own deadline.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: {...tls, ...(address.socketPath !== undefined && {socketPath: address.socketPath})},
    })
  }
}

/** Collects one answer. */
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

  // undici recognises this kind of handler by its method `onRequestStart`.
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
