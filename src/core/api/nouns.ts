import type {SessionId} from './ids.js'

/** The value of a key to be written. A string is sent as UTF-8. */
export type KvValue = string | Uint8Array

/** A key with its value and indexes. */
export interface KvEntry {
  /** The whole key, without a leading slash. */
  readonly key: string
  /** The value. Consul's `null` becomes an empty buffer. */
  readonly value: Buffer
  /** A number that clients attach to a key; 64 bits, unsigned. */
  readonly flags: bigint
  /** The session that holds the key, or undefined. */
  readonly session: SessionId | undefined
  /** Index of the write that created the key. */
  readonly createIndex: bigint
  /** Index of the write that last changed the key: the `index` of a compare-and-set. */
  readonly modifyIndex: bigint
  /** Number of times that the key was acquired. */
  readonly lockIndex: bigint
}

/** A session as Consul reports it. */
export interface SessionInfo {
  /** The ID of the session. */
  readonly id: SessionId
  /** A name for people; empty if it has none. */
  readonly name: string
  /** The node that the session belongs to. */
  readonly node: string
  /** Lock-delay: milliseconds after the end of the session for which no other session can acquire its keys. */
  readonly lockDelayMs: number
  /** What happens to the keys of the session when the session ends. */
  readonly behavior: 'release' | 'delete'
  /** TTL in milliseconds; 0 if the session has none. */
  readonly ttlMs: number
  /** Checks of the node that end the session when they turn critical. */
  readonly nodeChecks: readonly string[]
  /** Index of the write that created the session. */
  readonly createIndex: bigint
}

/** A session to be created. Fields that are left out have Consul's defaults. */
export interface SessionRequest {
  /** A name for people. @default no name */
  readonly name?: string
  /** The node that the session belongs to. @default the agent's own */
  readonly node?: string
  /**
   * Time without a renewal after which the session may expire, in milliseconds: 10 s to a day. Consul may wait up to
   * twice as long.
   * @default no TTL
   */
  readonly ttlMs?: number
  /**
   * Lock-delay: milliseconds, up to 60 s, after the end of the session for which no other session can acquire its keys.
   * @default 15000
   */
  readonly lockDelayMs?: number
  /** What happens to the keys of the session when the session ends. @default 'release' */
  readonly behavior?: 'release' | 'delete'
  /**
   * Checks of the node that end the session when they turn critical; `[]` for none. @default Consul's own, the node's
   * serfHealth
   */
  readonly nodeChecks?: readonly string[]
}

/** One operation of a transaction. */
export type KvOperation =
  | {readonly verb: 'set'; readonly key: string; readonly value: KvValue; readonly flags?: bigint}
  | {
      readonly verb: 'cas'
      readonly key: string
      readonly value: KvValue
      readonly index: bigint
      readonly flags?: bigint
    }
  | {
      readonly verb: 'lock' | 'unlock'
      readonly key: string
      readonly value: KvValue
      readonly session: SessionId
      readonly flags?: bigint
    }
  | {readonly verb: 'get' | 'get-tree' | 'delete' | 'delete-tree' | 'check-not-exists'; readonly key: string}
  | {readonly verb: 'check-index' | 'delete-cas'; readonly key: string; readonly index: bigint}
  | {readonly verb: 'check-session'; readonly key: string; readonly session: SessionId | ''}

/** An operation that was refused. */
export interface TxnError {
  /** Position of the operation in the transaction, from 0. */
  readonly opIndex: number
  /** The reason, as Consul states it. */
  readonly what: string
}

/** The result of a transaction. A refused transaction applied nothing, and names the operations that Consul refused. */
export type TxnResult =
  | {readonly committed: true; readonly entries: readonly KvEntry[]; readonly sentAtMs: number}
  | {readonly committed: false; readonly errors: readonly TxnError[]; readonly sentAtMs: number}

/** An event as an agent lists it. */
export interface UserEvent {
  /** The ID that the firing agent gave the event. */
  readonly id: string
  /** The name of the event. */
  readonly name: string
  /** The payload; undefined if Consul's JSON has `null`, which differs from an empty payload. */
  readonly payload: Buffer | undefined
  /** Regular expression for the names of nodes; empty for all. */
  readonly nodeFilter: string
  /** Regular expression for service IDs; empty for all. */
  readonly serviceFilter: string
  /** Regular expression for tags of the service; empty for all. */
  readonly tagFilter: string
  /** Version of the event format, which is 1 in all Consul versions so far. */
  readonly version: number
  /** Lamport time. It orders events, but does not identify them: two events may have the same time. */
  readonly lTime: bigint
}

/** A node of the catalog. */
export interface NodeInfo {
  /** The ID of the node; empty for nodes that were registered without one. */
  readonly id: string
  /** The name of the node. */
  readonly node: string
  /** The address of the node. */
  readonly address: string
  /** The datacenter of the node. */
  readonly datacenter: string
  /** Addresses by network, such as `lan` and `wan`. */
  readonly taggedAddresses: Readonly<Record<string, string>>
  /** Metadata of the node. */
  readonly meta: Readonly<Record<string, string>>
  /** Index of the write that last changed the node. */
  readonly modifyIndex: bigint
}

/** Consul's names for the states of a check. */
export type CheckStatus = 'passing' | 'warning' | 'critical' | 'maintenance'

/** A health check of a node or of a service. */
export interface CheckInfo {
  /** The node of the check. */
  readonly node: string
  /** The ID of the check, unique on its node. */
  readonly checkId: string
  /** A name for people. */
  readonly name: string
  /** `passing`, `warning` or `critical`. */
  readonly status: string
  /** The last output of the check. */
  readonly output: string
  /** The ID of the service that is checked; empty for a check of the node. */
  readonly serviceId: string
  /** The name of that service; empty for a check of the node. */
  readonly serviceName: string
  /** Index of the write that last changed the check. */
  readonly modifyIndex: bigint
}

/** One instance of a service, with its own checks and those of its node. */
export interface ServiceInstance {
  /** The node that the instance runs on. */
  readonly node: NodeInfo
  /** The ID of the instance, unique on its node. */
  readonly serviceId: string
  /** The name that the instances of a service share. */
  readonly serviceName: string
  /** Tags of the instance. */
  readonly tags: readonly string[]
  /** The address of the instance; if it has none of its own, the address of its node. */
  readonly address: string
  /** The address that the instance was registered with; empty if it has none of its own. */
  readonly ownAddress: string
  /** The port; 0 if the instance has none. */
  readonly port: number
  /** Metadata of the instance. */
  readonly meta: Readonly<Record<string, string>>
  /** Weights of the instance in answers over DNS, for the states passing and warning. */
  readonly weights: {readonly passing: number; readonly warning: number}
  /** Index of the write that last changed the instance; changes of its checks and its node do not count. */
  readonly modifyIndex: bigint
  /**
   * Checks of the instance and of its node. Empty in answers of the catalog endpoint, which contain no
   * checks.
   */
  readonly checks: readonly CheckInfo[]
}
