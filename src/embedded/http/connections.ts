import type {IncomingMessage, Server, ServerResponse} from 'node:http'
import type {Duplex} from 'node:stream'
import {type Reply, textReply} from './reply.js'

interface Turn {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly done: Promise<void>
}

const plainRefusal = (status: string, text = status): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${text}`

/** Resolves when the answer was sent or the connection was closed. */
async function gone(response: ServerResponse): Promise<void> {
  if (response.writableFinished || response.destroyed) return
  await new Promise<void>(resolve => {
    response.once('finish', resolve)
    response.once('close', resolve)
  })
}

/** The requests in progress on each connection. Pipelined requests of a client are served one after another. */
export class Connections {
  readonly #latest = new WeakMap<Duplex, Turn>()

  /** Serves a request after the earlier ones on its connection. `serve` must not reject. */
  take(request: IncomingMessage, response: ServerResponse, serve: () => Promise<void>): void {
    const before = this.#latest.get(request.socket)
    const done = before === undefined || before.response.writableEnded ? serve() : before.done.then(serve)
    this.#latest.set(request.socket, {request, response, done})
  }

  /** Answers malformed requests on the server's connections, each after the requests that precede it. */
  watch(server: Server): void {
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW'
      const refusal = plainRefusal(isTooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request')
      void this.#refuse(socket, refusal)
    })
    server.on('connect', (_request, socket) => {
      socket.on('error', () => {})
      socket.end(plainRefusal('405 Method Not Allowed', 'method CONNECT not allowed'))
    })
  }

  async #refuse(socket: Duplex, refusal: string): Promise<void> {
    const turn = this.#latest.get(socket)
    // A request with a malformed body gets `refusal` as its answer, unless it was already answered without reading the
    // body.
    if (turn?.request.complete === true) await gone(turn.response)
    const isAnswered = turn?.request.complete === false && turn.response.writableEnded
    if (socket.writable && !isAnswered) socket.end(refusal)
    else socket.destroy()
  }
}

/** Returns the refusal of a request head in which a header is missing or repeated; undefined if the head is valid. */
export function judgeHead({httpVersion, rawHeaders}: IncomingMessage): Reply | undefined {
  const refuse = (why: string): Reply => textReply(400, `400 Bad Request${why}`, {connection: 'close'})
  if (httpVersion === '0.9') return refuse('')
  if (!httpVersion.startsWith('1.')) return refuse(': unsupported protocol version')
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length
  if (hosts === 0 && httpVersion === '1.1') return refuse(': missing required Host header')
  return hosts > 1 ? refuse(': too many Host headers') : undefined
}
