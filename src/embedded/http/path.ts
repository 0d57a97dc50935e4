import {fromBytes, unescapeToBytes} from '../go/bytes.js'
import {emptyReply, type Reply, textReply} from './reply.js'

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u
const unescaped = /[A-Za-z0-9\-_.~$&+,/:;=@]/

/** Returns the decoded path as a byte string, or an answer that refuses or redirects the path. */
export function decodePath(escaped: string): {readonly path: string} | {readonly reply: Reply} {
  const path = unescapeToBytes(escaped)
  if (path === undefined || !path.startsWith('/')) {
    return {reply: textReply(400, '400 Bad Request', {connection: 'close'})}
  }
  if (!printable.test(fromBytes(path))) return {reply: emptyReply(400)}
  return {path}
}

/** Cleans a path as Go's `path.Clean` does, except that a trailing slash is kept. */
export function cleanPath(path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  const slash = kept.length > 0 && path.endsWith('/') ? '/' : ''
  return `/${kept.join('/')}${slash}`
}

const escapePath = (path: string): string =>
  path.replace(/[^]/g, char =>
    unescaped.test(char) ? char : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )

const escapeHtml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&#34;')
    .replaceAll("'", '&#39;')

/** Redirects (301) to another path of this agent, with the same query. */
export function redirect(method: string, path: string, query: string): Reply {
  const location = escapePath(path) + (query === '' ? '' : `?${query}`)
  if (method !== 'GET' && method !== 'HEAD') return emptyReply(301, {location})
  const headers = {location, 'content-type': 'text/html; charset=utf-8'}
  return {status: 301, headers, body: `<a href="${escapeHtml(location)}">Moved Permanently</a>.\n\n`}
}
