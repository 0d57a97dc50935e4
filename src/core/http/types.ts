import type {Clock} from '../time/types.js'
import type {AgentAddress} from './address.js'
import type {TlsOptions} from './tls.js'

/**
 * A group of connections: `watch` for blocking queries, `control` for all other requests. The two groups never share
 * connections, because the renewal of a session must not queue behind a blocking query.
 */
export type Plane = 'control' | 'watch'

/** One request, ready to be sent. */
export interface TransportRequest {
  /** The HTTP method. */
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Starts with `/v1/`, already percent-encoded, with its query string. */
  readonly path: string
  /** Headers besides `host` and `content-length`, which the transport sets. */
  readonly headers?: Readonly<Record<string, string>>
  /** The body. Without it, the request has no body. */
  readonly body?: Uint8Array
  /**
   * Milliseconds from sending to the last byte, or to the first one if there is an `idleTimeoutMs`. Expiry rejects with
   * a TransportError of code BATON_TIMEOUT.
   */
  readonly timeoutMs: number
  /** Maximum number of milliseconds without a byte once the answer has begun; the whole answer may take any time. */
  readonly idleTimeoutMs?: number
  /** Called once, when the answer begins, with its first bytes if the transport has them in their wire form. */
  readonly onFirstByte?: (bytes?: Uint8Array) => void
  /**
   * Returns memory in which the transport may store the body of the answer. A transport may ignore this function.
   * @default the transport allocates memory
   */
  readonly takeMemory?: (bytes: number) => Buffer
  /** The group of connections that the request uses. */
  readonly plane: Plane
  /** Cancels the request: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** One answer, read to its end. */
export interface TransportResponse {
  /** The HTTP status. */
  readonly status: number
  /** Headers by lower-case name; repeated headers are joined by a comma and a space. */
  readonly headers: ReadonlyMap<string, string>
  /** The whole body; empty if there is none. */
  readonly body: Buffer
}

/** A part of a body that is filled in when the request is sent. */
export interface Gap {
  /** Position in the body. */
  readonly at: number
  /** Number of bytes. */
  readonly length: number
}

/**
 * Sends an encoded request, with this ASCII text at the end of its gap and spaces in front of the text. Can be called
 * once; otherwise like {@link Transport.send}.
 */
export type SendPrepared = (text: string) => Promise<TransportResponse>

/** Carries requests to one agent. Disposing closes all sockets. */
export interface Transport extends AsyncDisposable {
  /**
   * Sends one request and returns the whole answer, whatever its status. Never retries, never follows redirects.
   * Rejects with a TransportError, or with the reason of the request's signal.
   */
  send(request: TransportRequest): Promise<TransportResponse>
  /**
   * Prepares a request whose body has a gap, so that sending it takes as little time as possible. Returns undefined if
   * the transport cannot prepare requests.
   */
  prepare?(request: TransportRequest, gap: Gap): SendPrepared | undefined
}

/** Options of a transport to one agent. */
export interface TransportOptions {
  /** Address of the agent. */
  readonly address: AgentAddress
  /** TLS settings, for addresses with `https`. */
  readonly tls?: TlsOptions
  /** Clock for the time limits of requests. */
  readonly clock: Clock
  /** Maximum number of blocking queries at once. @default 64 */
  readonly watchConnections?: number
  /**
   * Maximum number of other requests at once. By default, an agent accepts 200 connections from one address.
   * @default 64
   */
  readonly controlConnections?: number
}
