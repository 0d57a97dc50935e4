/** The shared words of baton: everything that crosses a folder's border is declared here or in a capability's own `types.ts`. */

declare const brand: unique symbol
type Brand<Base, Name extends string> = Base & {readonly [brand]: Name}

/** `X-Consul-Index` and its kin: compare and echo, never add. Event indexes are random, so order means nothing there. */
export type ConsulIndex = Brand<bigint, 'ConsulIndex'>
/** The ModifyIndex of the write that made us the holder: grows with every grant of one key in one datacenter. */
export type FencingToken = Brand<bigint, 'FencingToken'>

/** The id of a session of Consul. */
export type SessionId = Brand<string, 'SessionId'>

/** A running timer. Disposing it twice is harmless. */
export interface Timer extends Disposable {
  /** True once the callback has been started. */
  readonly fired: boolean
}

/** The only source of time in baton. `monotonicMs` guards deadlines, `wallMs` is for people and for noticing suspends. */
export interface Clock {
  monotonicMs(): number
  wallMs(): number
  /** Rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Runs `callback` once after `ms`. `ref: false` does not keep the process alive (default true). */
  timer(ms: number, callback: () => void, options?: {readonly ref?: boolean}): Timer
}

/** Uniform in [0, 1). */
export type Random = () => number

/** Facts of a log line, by fixed names. */
export type LogFields = Readonly<Record<string, unknown>>
/** Fields first, then a constant message. Secrets and whole option objects never go in. */
export interface Logger {
  child(fields: LogFields): Logger
  trace(fields: LogFields, message: string): void
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

/** Parked queries and everything else never share connections: a renewal must not queue behind a poll. */
export type Plane = 'control' | 'watch'

/** One request, ready to be sent. */
export interface TransportRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  /** Starts with `/v1/`, already percent-encoded, with its query string. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /**
   * From sending to the last byte, or to the first one if there is an `idleTimeoutMs`. Expiry rejects with a
   * TransportError of code BATON_TIMEOUT.
   */
  readonly timeoutMs: number
  /** Longest time without a byte once the answer has begun: an answer that moves may take as long as it needs. */
  readonly idleTimeoutMs?: number
  /** Called once, when the answer begins. */
  readonly onFirstByte?: () => void
  readonly plane: Plane
  readonly signal?: AbortSignal
}

/** One answer, read to its end. */
export interface TransportResponse {
  readonly status: number
  /** Lower-case names; repeated headers are joined by a comma and a blank. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

/**
 * Sends one request and returns the whole answer, whatever its status. Never retries, never follows redirects.
 * Rejects with a TransportError, or with the reason of the request's signal. Disposing closes all sockets.
 */
export interface Transport extends AsyncDisposable {
  send(request: TransportRequest): Promise<TransportResponse>
}

/** Consul's modes: `stale` may be answered by any server, `consistent` asks the leader to prove itself. */
export type Consistency = 'default' | 'consistent' | 'stale'

/** What every call may carry. Values left out fall back to the client's own. */
export interface CallOptions {
  readonly signal?: AbortSignal
  readonly datacenter?: string
  readonly namespace?: string
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
  readonly consistency?: Consistency
}

/** A read that may park: with `index` the server answers when its own is higher, or after `waitMs` (plus up to 1/16). */
export interface BlockingReadOptions extends ReadOptions {
  readonly index?: ConsulIndex
  readonly waitMs?: number
}

/** One answer of a read, with what its headers say. */
export interface Snapshot<T> {
  readonly value: T
  /** Absent when the answer carried no index. */
  readonly index: ConsulIndex | undefined
  readonly knownLeader: boolean | undefined
  readonly lastContactMs: number | undefined
  /** `X-Consul-Results-Filtered-By-ACLs`: the list may be shorter than the truth. */
  readonly filteredByAcls: boolean
  /** Monotonic instant at which the request was sent: the newest moment this answer is proof for. */
  readonly sentAtMs: number
}

/** A key with its value and indexes. */
export interface KvEntry {
  readonly key: string
  /** Consul's `null` is an empty buffer. */
  readonly value: Buffer
  readonly flags: bigint
  readonly session: SessionId | undefined
  readonly createIndex: bigint
  readonly modifyIndex: bigint
  readonly lockIndex: bigint
}

/** A session as Consul has it. */
export interface SessionInfo {
  readonly id: SessionId
  readonly name: string
  readonly node: string
  readonly lockDelayMs: number
  readonly behavior: 'release' | 'delete'
  /** Milliseconds; 0 when the session has none. */
  readonly ttlMs: number
  readonly nodeChecks: readonly string[]
  readonly createIndex: bigint
}

/** A session to be made. Values left out are Consul's defaults. */
export interface SessionRequest {
  readonly name?: string
  readonly node?: string
  readonly ttlMs?: number
  readonly lockDelayMs?: number
  readonly behavior?: 'release' | 'delete'
  /** `[]` ties the session to nothing; absent leaves Consul's default, the node's serfHealth. */
  readonly nodeChecks?: readonly string[]
}

/** One operation of a transaction. */
export type KvOperation =
  | {readonly verb: 'set'; readonly key: string; readonly value: Uint8Array; readonly flags?: bigint}
  | {
      readonly verb: 'cas'
      readonly key: string
      readonly value: Uint8Array
      readonly index: bigint
      readonly flags?: bigint
    }
  | {
      readonly verb: 'lock' | 'unlock'
      readonly key: string
      readonly value: Uint8Array
      readonly session: SessionId
      readonly flags?: bigint
    }
  | {readonly verb: 'get' | 'get-tree' | 'delete' | 'delete-tree' | 'check-not-exists'; readonly key: string}
  | {readonly verb: 'check-index' | 'delete-cas'; readonly key: string; readonly index: bigint}
  | {readonly verb: 'check-session'; readonly key: string; readonly session: SessionId | ''}

/** An operation that was refused, by its place in the transaction. */
export interface TxnError {
  readonly opIndex: number
  readonly what: string
}

/** Contention is a value: a refused transaction applied nothing and says which operations were refused. */
export type TxnResult =
  | {readonly committed: true; readonly entries: readonly KvEntry[]; readonly sentAtMs: number}
  | {readonly committed: false; readonly errors: readonly TxnError[]; readonly sentAtMs: number}

/** An event as an agent lists it. */
export interface UserEvent {
  readonly id: string
  readonly name: string
  /** Consul tells no payload (`null`) from an empty one. */
  readonly payload: Buffer | undefined
  readonly nodeFilter: string
  readonly serviceFilter: string
  readonly tagFilter: string
  readonly version: number
  /** Sorts, never identifies: two events may share one. */
  readonly lTime: bigint
}

/** A node of the catalog. */
export interface NodeInfo {
  readonly id: string
  readonly node: string
  readonly address: string
  readonly datacenter: string
  readonly meta: Readonly<Record<string, string>>
  readonly modifyIndex: bigint
}

/** Consul's words for the state of a check. */
export type CheckStatus = 'passing' | 'warning' | 'critical' | 'maintenance'

/** A health check of a node or of a service. */
export interface CheckInfo {
  readonly node: string
  readonly checkId: string
  readonly name: string
  readonly status: string
  readonly output: string
  readonly serviceId: string
  readonly serviceName: string
  readonly modifyIndex: bigint
}

/** One instance of a service, with the checks of its node and of itself. */
export interface ServiceInstance {
  readonly node: NodeInfo
  readonly serviceId: string
  readonly serviceName: string
  readonly tags: readonly string[]
  readonly address: string
  readonly port: number
  readonly meta: Readonly<Record<string, string>>
  readonly modifyIndex: bigint
  /** Empty for answers of the catalog, which carry no checks. */
  readonly checks: readonly CheckInfo[]
}
