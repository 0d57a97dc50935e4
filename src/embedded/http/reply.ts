import {indentJson, type Printable, printJson} from '../go/json-print.js'
import type {Headers} from '../refusals.js'

/**
 * One answer. A body may consist of pieces, which are sent one at a time, so that a long list does not block
 * the event loop.
 */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer | Iterable<string>
}

const jsonType = {'content-type': 'application/json'}

export const textReply = (status: number, text: string, headers: Headers = {}): Reply => ({
  status,
  headers: {'content-type': 'text/plain; charset=utf-8', ...headers},
  body: text,
})

export const emptyReply = (status = 200, headers: Headers = {}): Reply => ({status, headers, body: ''})

export const jsonReply = (value: Printable, headers: Headers = {}, status = 200): Reply => ({
  status,
  headers: {...jsonType, ...headers},
  body: printJson(value),
})

const rowsAtOnce = 200

/** Returns a JSON array as an answer. Its elements are printed while it is being sent. */
export function jsonListReply<T>(rows: readonly T[], print: (row: T) => string, headers: Headers = {}): Reply {
  const status = 200
  if (rows.length <= rowsAtOnce)
    return {status, headers: {...jsonType, ...headers}, body: `[${rows.map(print).join(',')}]`}
  return {status, headers: {...jsonType, ...headers}, body: pieces(rows, print)}
}

function* pieces<T>(rows: readonly T[], print: (row: T) => string): Generator<string, void, undefined> {
  for (let at = 0; at < rows.length; at += rowsAtOnce) {
    const part = rows
      .slice(at, at + rowsAtOnce)
      .map(print)
      .join(',')
    yield at === 0 ? `[${part}` : `,${part}`
  }
  yield ']'
}

/** Indents a JSON answer for `?pretty`. Other answers stay unchanged. */
export function prettyReply(reply: Reply): Reply {
  if (reply.headers['content-type'] !== 'application/json') return reply
  const text = typeof reply.body === 'string' ? reply.body : Buffer.isBuffer(reply.body) ? '' : [...reply.body].join('')
  return {...reply, body: indentJson(text)}
}
