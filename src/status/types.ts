import type {ConsulClient} from '../core/client.js'
import type {SessionInfo} from '../core/types.js'
import type {StoredRun} from '../exec/initiator-types.js'
import type {LockStatus} from '../lock/inspect.js'
import type {MappingReport} from '../replicate/status/health.js'

/** What a look at the cluster needs. */
export interface StatusContext {
  readonly client: ConsulClient
  readonly signal: AbortSignal
  /** Start of the keys of the locks to look for; empty for all locks. */
  readonly prefix: string
  /** Directory of the status keys of replicators. */
  readonly statusDir: string
}

/** The agent that answers. */
export interface AgentPart {
  readonly datacenter: string
  readonly node: string
  readonly version: string
}

/**
 * A session without a TTL. Nobody renews it: it ends only when one of its checks fails, or when it is destroyed. Consul does
 * not say when a session with a TTL was last renewed, but ends it by itself if it is not.
 */
export interface UnrenewedSession extends SessionInfo {
  /** Prefixes of the locks that it holds, of those that were looked for. */
  readonly holds: readonly string[]
}

/** Locks and semaphores, and the sessions of the datacenter. */
export interface LocksPart {
  readonly locks: readonly LockStatus[]
  /** Number of all sessions. */
  readonly sessionCount: number
  readonly unrenewed: readonly UnrenewedSession[]
}

/** A responder as it is registered. */
export interface RegisteredResponder {
  readonly name: string
  /** Node of the agent with which it is registered. */
  readonly node: string
  /** True if all its checks pass, and those of its node. */
  readonly isPassing: boolean
}

/** Responders, and the jobs that Consul has for them, the newest first. */
export interface ExecPart {
  readonly responders: readonly RegisteredResponder[]
  readonly runs: readonly StoredRun[]
}

/** A process of this machine that handles events. */
export interface LocalWatcher {
  readonly pid: number
  /** Names of the events that it was started for; empty for all. */
  readonly events: readonly string[]
  /** The file with which it remembers what it handled; undefined if it has none. */
  readonly stateFile: string | undefined
  /** Start of the process by the wall clock, in milliseconds. */
  readonly sinceMs: number
}

/** The parts of a status by name. */
export interface StatusParts {
  readonly agent: AgentPart
  readonly locks: LocksPart
  readonly exec: ExecPart
  readonly replication: readonly MappingReport[]
  /** Undefined where processes cannot be listed. */
  readonly watchers: readonly LocalWatcher[] | undefined
  /** Rules of ACLs that the token lacks, so that other parts may be incomplete. */
  readonly missingRules: readonly string[]
}

export type StatusPartName = keyof StatusParts
