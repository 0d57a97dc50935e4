import {setMaxListeners} from 'node:events'
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http'
import type {AddressInfo, Socket} from 'node:net'
import {linkSignal} from '../core/cancel/link-signal.js'
import {CancelledError, messageOf, UsageError} from '../core/errors.js'
import {whyNotListening} from '../core/listen-error.js'
import type {Clock, Logger} from '../core/types.js'
import {formatListen, type ListenAddress} from './listen.js'
import {errorReply, type Reply, send} from './reply.js'

export interface RouteCall {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly query: URLSearchParams
  /** Aborts when the client disconnects and when the server closes. */
  readonly signal: AbortSignal
}

/** Handles a request. Returns undefined if it has sent the answer itself. */
export type Route = (call: RouteCall) => Promise<Reply | undefined> | Reply

/** Counters of the server, for a metrics page. */
export interface ServerLoad {
  /** Number of requests that are being answered now. */
  readonly openRequests: number
  /** Number of answered requests, by `PATH STATUS`. */
  readonly requests: ReadonlyMap<string, number>
}

export interface PageServerOptions {
  /** Returns the routes by path. Called once. */
  readonly routes: (measure: () => ServerLoad) => ReadonlyMap<string, Route>
  readonly listen: ListenAddress
  readonly clock: Clock
  readonly logger: Logger
  /**
   * Maximum number of requests at the same time, including blocking queries. Further requests are refused with 503.
   * @default 1000
   */
  readonly maxOpenRequests?: number
  /**
   * Maximum time in milliseconds for which answers in progress may continue after the server was closed.
   * @default 5000
   */
  readonly drainMs?: number
}

export interface PageServer extends AsyncDisposable {
  /** The URL of the server, such as `http://127.0.0.1:8080`. */
  readonly url: string
}

const maxHeaderBytes = 16_384
const maxUrlLength = 8192
const headersTimeoutMs = 10_000
const slowReaderMs = 30_000

/**
 * Serves read-only pages. Disposing aborts the signal of every call, lets answers in progress finish within `drainMs`,
 * and resolves when all sockets are closed.
 */
export async function openServer(options: PageServerOptions): Promise<PageServer> {
  const handler = new RequestHandler(options)
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersTimeoutMs,
      requestTimeout: headersTimeoutMs,
      connectionsCheckingInterval: headersTimeoutMs / 2,
      keepAliveTimeout: 5000,
    },
    (request, response) => void handler.handle(request, response),
  )
  server.maxConnections = 2 * handler.maxOpenRequests
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const {port} = await listen(server, options.listen)
  let closing: Promise<void> | undefined
  return {
    url: `http://${formatListen({...options.listen, port})}`,
    [Symbol.asyncDispose]: () => {
      closing ??= close(server, {handler, sockets, options})
      return closing
    },
  }
}

async function listen(server: Server, address: ListenAddress): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(toListenError(error, address)))
    server.listen(address.port, address.host, resolve)
  })
  return server.address() as AddressInfo
}

function toListenError(error: NodeJS.ErrnoException, address: ListenAddress): UsageError {
  return new UsageError(`listen address ${formatListen(address)}: ${whyNotListening(error)}`, {
    code: 'BATON_CONFIG',
    cause: error,
    hint: 'choose another one with `listen`',
  })
}

interface Open {
  readonly handler: RequestHandler
  readonly sockets: ReadonlySet<Socket>
  readonly options: PageServerOptions
}

async function close(server: Server, {handler, sockets, options}: Open): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  handler.close()
  // Node's own `closeIdleConnections` does not close connections on which no request was ever sent.
  for (const socket of sockets) if (!handler.isBusy(socket)) socket.destroy()
  using _deadline = options.clock.timer(options.drainMs ?? 5000, () => server.closeAllConnections())
  await closed
}

class RequestHandler {
  readonly maxOpenRequests: number
  readonly #routes: ReadonlyMap<string, Route>
  readonly #closing = new AbortController()
  readonly #counts = new Map<string, number>()
  readonly #busy = new Map<Socket, number>()
  readonly #logger: Logger
  #open = 0

  constructor(options: PageServerOptions) {
    this.maxOpenRequests = options.maxOpenRequests ?? 1000
    this.#logger = options.logger
    // Each request in progress adds a listener, so there may be more than Node's usual limit.
    setMaxListeners(0, this.#closing.signal)
    this.#routes = options.routes(() => ({openRequests: this.#open, requests: this.#counts}))
  }

  close(): void {
    this.#closing.abort(new CancelledError('shutting down'))
  }

  isBusy(socket: Socket): boolean {
    return (this.#busy.get(socket) ?? 0) > 0
  }

  /** Handles one request. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path, search] = splitOnce(request.url ?? '', '?')
    const route = this.#routes.get(path)
    const {socket} = request
    this.#count(socket, 1)
    using link = linkSignal(this.#closing.signal)
    response.once('close', () => link.abort(new CancelledError('the client has gone')))
    // It is not an error if a client disconnects in the middle of a response.
    response.on('error', () => {})
    request.on('error', () => {})
    try {
      const call = {request, response, query: new URLSearchParams(search), signal: link.signal}
      const reply = this.#refuse(request, route) ?? (await route?.(call))
      if (reply) await this.#send(request, response, reply)
    } catch (error) {
      this.#logger.error({path, problem: messageOf(error)}, 'request failed')
      if (response.headersSent) response.destroy()
      else await send(response, errorReply(500, 'internal error'), {isLast: true})
    } finally {
      this.#count(socket, -1)
      const key = `${route ? path : 'other'} ${response.statusCode}`
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    }
  }

  #count(socket: Socket, change: 1 | -1): void {
    this.#open += change
    const requests = (this.#busy.get(socket) ?? 0) + change
    if (requests > 0) this.#busy.set(socket, requests)
    else this.#busy.delete(socket)
  }

  async #send(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
    if (response.destroyed) return
    const isLast = this.#closing.signal.aborted || hasBody(request)
    response.setTimeout(slowReaderMs, () => response.destroy())
    await send(response, reply, {isLast})
    // The rest of the request's body is not read, so the connection cannot be reused.
    if (hasBody(request)) request.socket.destroy()
  }

  #refuse(request: IncomingMessage, route: Route | undefined): Reply | undefined {
    if ((request.url ?? '').length > maxUrlLength) return errorReply(414, 'the URL is too long')
    if (!route) return errorReply(404, 'no such path')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return errorReply(405, 'read only: GET or HEAD', {allow: 'GET, HEAD'})
    }
    if (hasBody(request)) return errorReply(413, 'a request has no body here')
    if (this.#open > this.maxOpenRequests) return errorReply(503, 'too many requests at once', {'retry-after': '5'})
    return undefined
  }
}

const hasBody = ({headers}: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
