import {TransportError} from '../errors.js'
import {NotHttpError} from './answer-reader.js'

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  EMFILE: 'too many open files',
  ENOENT: 'no such socket',
  EACCES: 'permission denied',
  UND_ERR_SOCKET: 'connection closed',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
}

/** Turns a failure of either transport into a TransportError. */
export function toTransportError(error: unknown, peer: string): TransportError {
  const code = codeOf(error)
  const text = error instanceof Error ? error.message : String(error)
  const isNotHttp = error instanceof NotHttpError || (error instanceof Error && error.name === 'HTTPParserError')
  if (isNotHttp) return notHttp(error, peer)
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)|EPROTO/.test(code)) {
    const {why, hint} = explainTls(code, text)
    return new TransportError('BATON_TLS', `Consul at ${peer}: TLS failed: ${why}`, {cause: error, hint})
  }
  const why = reasons[code] ?? text
  return new TransportError('BATON_CONNECT', `Consul at ${peer}: ${why}`, {
    cause: error,
    hint: code === 'ECONNRESET' ? tooMany : 'is the agent running there? set `address`',
    details: {peer, why, ...(code !== '' && {code})},
  })
}

/** An agent resets connections in excess of its setting `limits.http_max_conns_per_client`. */
const tooMany = 'does this machine hold too many connections to the agent (200 by default)? see baton doctor'

const checkTls = 'check `tls.ca`, `tls.cert`, `tls.key` and `tls.servername`'

/** OpenSSL's messages name its source files and routines; only the useful part is kept. */
function explainTls(code: string, text: string): {readonly why: string; readonly hint: string} {
  if (/WRONG_VERSION_NUMBER|packet length too long|HTTP_REQUEST/i.test(`${code} ${text}`))
    return {why: 'the server does not speak TLS there', hint: 'write http:// in the address, or name its https port'}
  if (
    /alert (?:bad certificate|certificate required|handshake failure)|ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_REQUIRED)/i.test(
      `${code} ${text}`,
    )
  )
    return {why: 'the server wants a client certificate that it knows', hint: 'set `tls.cert` and `tls.key`'}
  if (/alert unknown ca|ALERT_UNKNOWN_CA/i.test(`${code} ${text}`))
    return {
      why: 'the server does not know the CA of the client certificate',
      hint: 'set another `tls.cert` and `tls.key`',
    }
  const [, reason] = /:SSL routines:[^:]*:([^:]+):/.exec(text) ?? []
  return {why: reason ?? text, hint: checkTls}
}

const notHttp = (cause: unknown, peer: string): TransportError =>
  new TransportError('BATON_CONNECT', `Consul at ${peer}: the answer is not HTTP`, {
    cause,
    details: {peer, why: 'the answer is not HTTP'},
    hint: 'does the address belong to a Consul agent? does it want https?',
  })

/** Node wraps the failures of several addresses of one host in an AggregateError. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  if ('code' in error && typeof error.code === 'string') {
    const inner = error.code === 'UND_ERR_SOCKET' && 'cause' in error ? codeOf(error.cause) : ''
    return inner === '' ? error.code : inner
  }
  if ('errors' in error && Array.isArray(error.errors)) return codeOf(error.errors[0])
  return ''
}

export const stalledError = (peer: string, idleTimeoutMs: number): TransportError =>
  new TransportError(
    'BATON_TIMEOUT',
    `Consul at ${peer}: the answer stopped in the middle: no byte for ${Math.round(idleTimeoutMs / 100) / 10}s`,
  )

export const timeoutError = (peer: string, timeoutMs: number): TransportError =>
  new TransportError('BATON_TIMEOUT', `Consul at ${peer}: no answer within ${Math.round(timeoutMs / 100) / 10}s`)
