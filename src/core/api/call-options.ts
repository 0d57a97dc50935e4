import type {Plane} from '../http/types.js'
import type {ConsulIndex} from './ids.js'

/**
 * Consul's consistency modes. With `stale` any server may answer; with `consistent` the leader first confirms with the
 * other servers that it still leads.
 */
export type Consistency = 'default' | 'consistent' | 'stale'

/** Options of every call. An option that is left out has the value from the client. */
export interface CallOptions {
  /** Cancels the call: it rejects with the signal's reason. A cancelled write may have been applied anyway. */
  readonly signal?: AbortSignal
  /** Datacenter that the call is forwarded to. @default the client's */
  readonly datacenter?: string
  /** Namespace (Consul Enterprise). @default the client's */
  readonly namespace?: string
  /** Admin partition (Consul Enterprise). @default the client's */
  readonly partition?: string
  /** Replaces the client's token for this call; the empty string sends none. */
  readonly token?: string
  /**
   * Maximum number of milliseconds from sending to the last byte. If it is left out, a read may take 15 s to its first
   * byte and 15 s between bytes, and a write 15 s in all.
   */
  readonly timeoutMs?: number
  /**
   * Maximum number of milliseconds between bytes of the answer. If it is set, `timeoutMs` limits only the time to the
   * first byte.
   */
  readonly idleTimeoutMs?: number
  /**
   * Called once, when the first byte of the answer arrives. Receives what has arrived of the answer, with its head,
   * unless the transport does not pass on bytes. The bytes are valid only during the call.
   */
  readonly onFirstByte?: (bytes?: Uint8Array) => void
  /** Group of connections that carries the call. @default 'control' */
  readonly plane?: Plane
}

/** Options of every read. */
export interface ReadOptions extends CallOptions {
  /** Consistency of the read. @default the client's */
  readonly consistency?: Consistency
}

/**
 * Options of a read that may block: with `index`, the server answers when its own index is higher, or after `waitMs`
 * (plus up to 1/16 of it).
 */
export interface BlockingReadOptions extends ReadOptions {
  /** Index of an earlier answer. Left out, the read does not block. */
  readonly index?: ConsulIndex
  /**
   * Maximum number of milliseconds for which the server delays the answer; the server adds up to a sixteenth. @default
   * 300000
   */
  readonly waitMs?: number
}

/**
 * One answer of a read, with the facts from its headers. `JSON.stringify` writes a snapshot in the form that
 * `jsonReplacer` defines.
 */
export interface Snapshot<T> {
  /** The value that the answer contains. */
  readonly value: T
  /** The index of the answer; undefined if the answer carried none. */
  readonly index: ConsulIndex | undefined
  /** True if the server that answered knew a leader; undefined if the answer does not say. */
  readonly knownLeader: boolean | undefined
  /**
   * Milliseconds since the answering server last heard from the leader, 0 if the leader itself answered; undefined if
   * the answer does not say.
   */
  readonly lastContactMs: number | undefined
  /**
   * True if the header `X-Consul-Results-Filtered-By-ACLs` says that ACLs removed items from the answer.
   */
  readonly filteredByAcls: boolean
  /** Monotonic time in milliseconds at which the request was sent. The answer proves nothing about later times. */
  readonly sentAtMs: number
}
