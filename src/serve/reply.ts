import {createHash} from 'node:crypto'
import type {IncomingMessage, ServerResponse} from 'node:http'
import {stringifyConsulJson} from '../core/http/json-bigint.js'

/** The answer of a route. */
export interface Reply {
  readonly status: number
  readonly body: Buffer | string
  readonly headers?: Readonly<Record<string, string>>
}

const json = 'application/json; charset=utf-8'

export const jsonReply = (status: number, value: unknown, headers: Reply['headers'] = {}): Reply => ({
  status,
  body: `${stringifyConsulJson(value)}\n`,
  headers: {'content-type': json, ...headers},
})

export const errorReply = (status: number, error: string, headers: Reply['headers'] = {}): Reply =>
  jsonReply(status, {error}, headers)

/**
 * Returns a reply with status 200 and an ETag for the content, or with status 304 if the client already has that
 * content.
 */
export function taggedReply(request: IncomingMessage, body: Buffer, headers: Readonly<Record<string, string>>): Reply {
  const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`
  const common = {...headers, etag, 'cache-control': 'no-cache'}
  if (hasTag(request.headers['if-none-match'], etag)) return {status: 304, body: '', headers: common}
  return {status: 200, body, headers: {'content-type': json, ...common}}
}

const hasTag = (header: string | undefined, etag: string): boolean =>
  header !== undefined && header.split(',').some(tag => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)

/** Sends a whole reply. Resolves when the reply is sent or the client has disconnected. */
export function send(response: ServerResponse, reply: Reply, options: {readonly isLast: boolean}): Promise<void> {
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body
  const hasBody = reply.status !== 304
  response.writeHead(reply.status, {
    'x-content-type-options': 'nosniff',
    ...(hasBody && {'content-length': String(body.length)}),
    ...reply.headers,
    ...(options.isLast && {connection: 'close'}),
  })
  return new Promise(resolve => {
    response.once('close', resolve)
    response.end(hasBody ? body : undefined)
  })
}
