import type {IncomingMessage, ServerResponse} from 'node:http'
import {setImmediate as nextTurn} from 'node:timers/promises'
import {createGzip, gzipSync} from 'node:zlib'
import {ClientGone} from './call.js'
import type {Reply} from './reply.js'

function wantsGzip(request: IncomingMessage): boolean {
  for (const part of (request.headers['accept-encoding'] ?? '').split(',')) {
    const [coding = '', ...parameters] = part.split(';').map(word => word.trim().toLowerCase())
    if (coding !== 'gzip' && coding !== '*') continue
    const quality = parameters.find(word => word.startsWith('q='))?.slice(2)
    return quality === undefined || Number(quality) > 0
  }
  return false
}

/** Sends an answer, either as a whole, or in pieces with a turn of the event loop after each. */
export async function sendReply(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
  if (response.destroyed) throw new ClientGone()
  const gzip = wantsGzip(request) && reply.headers['vary'] !== undefined && reply.body !== ''
  const headers = gzip ? {...reply.headers, 'content-encoding': 'gzip'} : reply.headers
  if (typeof reply.body !== 'string' && !Buffer.isBuffer(reply.body)) {
    response.writeHead(reply.status, headers)
    await sendPieces(response, reply.body, gzip)
    return
  }
  const plain = Buffer.isBuffer(reply.body) ? reply.body : Buffer.from(reply.body, 'utf8')
  const body = gzip ? gzipSync(plain, {level: 1}) : plain
  response.writeHead(reply.status, {...headers, 'content-length': body.length})
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function sendPieces(response: ServerResponse, pieces: Iterable<string>, gzip: boolean): Promise<void> {
  const zip = gzip ? createGzip({level: 1}) : undefined
  zip?.pipe(response)
  const sink = zip ?? response
  for (const piece of pieces) {
    if (response.destroyed) {
      zip?.destroy()
      throw new ClientGone()
    }
    // Always waits for the next turn of the event loop, because the stream of a fast reader would drain within this
    // turn.
    if (!sink.write(piece)) await drained(sink, response)
    await nextTurn()
  }
  sink.end()
}

async function drained(sink: NodeJS.WritableStream, response: ServerResponse): Promise<void> {
  await new Promise<void>(resolve => {
    const done = (): void => {
      sink.removeListener('drain', done)
      response.removeListener('close', done)
      resolve()
    }
    sink.once('drain', done)
    response.once('close', done)
  })
}
