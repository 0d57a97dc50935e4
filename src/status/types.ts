import type {ConsulClient} from '../core/client.js'
import type {SessionInfo} from '../core/types.js'
import type {StoredRun} from '../exec/initiator-types.js'
import type {LockStatus} from '../lock/inspect.js'
import type {MappingReport} from '../replicate/status/health.js'

/** The facts that are needed to read the status of a cluster. */
export interface StatusContext {
  readonly client: ConsulClient
  readonly signal: AbortSignal
  /** Beginning of the keys of the locks to read; empty for all locks. */
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
 * A session without a TTL. It is never renewed, and ends only when one of its checks fails or it is destroyed. (For a
 * session with a TTL, Consul does not report the last renewal, but ends the session if it is not renewed.)
 */
export interface UnrenewedSession extends SessionInfo {
  /** Prefixes of the locks that the session holds, among the locks that were read. */
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
  /** Node of the agent with which the responder is registered. */
  readonly node: string
  /** True if all checks of the responder and of its node pass. */
  readonly isPassing: boolean
}

/** Responders, and the jobs for them that Consul contains, newest first. */
export interface ExecPart {
  readonly responders: readonly RegisteredResponder[]
  readonly runs: readonly StoredRun[]
}

/** A process on this machine that handles events. */
export interface LocalWatcher {
  readonly pid: number
  /** Names of the events that the process handles; empty for all. */
  readonly events: readonly string[]
  /** The file in which the process records handled events; undefined if there is none. */
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
  /** Processes that watch events; undefined if the system cannot list processes. */
  readonly watchers: readonly LocalWatcher[] | undefined
  /** ACL rules that the token lacks, because of which other parts may be incomplete. */
  readonly missingRules: readonly string[]
}

export type StatusPartName = keyof StatusParts
