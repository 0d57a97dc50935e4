import type {Plane} from '../http/types.js'
import type {ConsulIndex} from './ids.js'

/** Consul's modes: `stale` may be answered by any server, `consistent` asks the leader to prove itself. */
export type Consistency = 'default' | 'consistent' | 'stale'

/** What every call may carry. Values left out fall back to the client's own. */
export interface CallOptions {
  /** Cancels the call: it rejects with the signal's reason. A write that was cancelled may have been applied. */
  readonly signal?: AbortSignal
  /** Datacenter that the call is forwarded to. @default the client's */
  readonly datacenter?: string
  /** Namespace (Consul Enterprise). @default the client's */
  readonly namespace?: string
  /** Admin partition (Consul Enterprise). @default the client's */
  readonly partition?: string
  /** Replaces the client's token for this call; the empty string sends none. */
  readonly token?: string
  /** From sending to the last byte. Left out, reads are limited to 15 s before the first byte and between bytes. */
  readonly timeoutMs?: number
  /** With it `timeoutMs` ends with the first byte of the answer; from then on this limits the time between bytes. */
  readonly idleTimeoutMs?: number
  /** Called once, when the answer begins. */
  readonly onFirstByte?: () => void
  /** Default `control`. */
  readonly plane?: Plane
}

/** What every read may carry. */
export interface ReadOptions extends CallOptions {
  /** @default the client's, which is `default` unless it says otherwise */
  readonly consistency?: Consistency
}

/** A read that may park: with `index` the server answers when its own is higher, or after `waitMs` (plus up to 1/16). */
export interface BlockingReadOptions extends ReadOptions {
  /** Index of an earlier answer. Left out, the read does not block. */
  readonly index?: ConsulIndex
  /** Maximum number of milliseconds that the server holds the read; it adds up to a sixteenth. @default 300000 */
  readonly waitMs?: number
}

/** One answer of a read, with what its headers say. */
export interface Snapshot<T> {
  /** What the answer says. */
  readonly value: T
  /** Absent when the answer carried no index. */
  readonly index: ConsulIndex | undefined
  /** True if the server that answered knew a leader; undefined if the answer does not say. */
  readonly knownLeader: boolean | undefined
  /**
   * Milliseconds since that server heard from the leader, 0 for the leader itself; undefined if the answer does not
   * say.
   */
  readonly lastContactMs: number | undefined
  /** `X-Consul-Results-Filtered-By-ACLs`: the list may be shorter than the truth. */
  readonly filteredByAcls: boolean
  /** Monotonic instant at which the request was sent: the newest moment this answer is proof for. */
  readonly sentAtMs: number
}
