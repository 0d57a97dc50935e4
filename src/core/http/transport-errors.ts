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

/** One place where the failures of both transports get their class. */
export function toTransportError(error: unknown, peer: string): TransportError {
  const code = codeOf(error)
  const text = error instanceof Error ? error.message : String(error)
  const isNotHttp = error instanceof NotHttpError || (error instanceof Error && error.name === 'HTTPParserError')
  if (isNotHttp) return notHttp(error, peer)
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)|EPROTO/.test(code)) {
    return new TransportError('BATON_TLS', `Consul at ${peer}: TLS failed: ${text}`, {
      cause: error,
      hint: 'check --ca-file, --client-cert, --client-key and --tls-server-name',
    })
  }
  return new TransportError('BATON_CONNECT', `Consul at ${peer}: ${reasons[code] ?? text}`, {
    cause: error,
    hint: 'is the agent running there? set --http-addr or CONSUL_HTTP_ADDR',
    details: code === '' ? {} : {code},
  })
}

const notHttp = (cause: unknown, peer: string): TransportError =>
  new TransportError('BATON_CONNECT', `Consul at ${peer}: the answer is not HTTP`, {
    cause,
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
