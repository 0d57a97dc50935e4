import type {TrustSource} from './native/trust.js'
import type {ExecRun, FoundNodes, JobCommand, JobSpec, NodeSelector, RunOptions} from './types.js'

/** Options of a run that outlives its initiator. */
export interface DetachOptions {
  /** Cancels the start. A job that is written is not cancelled by it. @default it is not cancelled */
  readonly signal?: AbortSignal
  /**
   * Time for which the job and its answers are kept at least, in milliseconds: 10 seconds to a day. Consul removes them at
   * most the same time later. Every node has ended by then. @default 3600000
   */
  readonly keepMs?: number
  /**
   * Time in which nodes may begin the job, in milliseconds. If it is given, nodes are named too whose responder is not
   * there now. Responders refuse more than their own maximum. @default 60000
   */
  readonly windowMs?: number
}

/** A job that was written and goes on. */
export interface DetachedRun {
  /** ID of the job; empty if no node matched, or if all were refused. */
  readonly id: string
  /** Names of the nodes that it is for. */
  readonly nodes: readonly string[]
  /** Nodes that the selector matches and that do not run it. */
  readonly refused: readonly {readonly node: string; readonly code: string; readonly reason: string}[]
  /** Last instant at which a node may begin it, by the wall clock. */
  readonly beginsUntilMs: number
  /** Instant until which it is kept at least, by the wall clock. */
  readonly keptUntilMs: number
}

/** Options of {@link ExecInitiator.attach}. */
export interface AttachOptions {
  /** When this signal aborts, the run ends and the job goes on. @default the run lasts until the job ends */
  readonly signal?: AbortSignal
  /**
   * `follow` waits until every node has ended, `snapshot` reads only what is there. `cancel` and `kill` stop the job, with
   * its grace or at once, and follow it until it has ended. @default 'follow'
   */
  readonly mode?: 'follow' | 'snapshot' | 'cancel' | 'kill'
  /** Keys whose signature proves that the job was not changed, for instance its list of nodes. @default none */
  readonly jobTrust?: TrustSource
}

/** A job as Consul has it. */
export interface StoredJob {
  /** ID of the job. */
  readonly id: string
  /** What it runs. */
  readonly command: JobCommand
  /** Names of its nodes. */
  readonly nodes: readonly string[]
  /** What it says about its sender. */
  readonly requester: {readonly name: string; readonly host: string}
  /** When it was signed, by the wall clock of its initiator, in milliseconds. */
  readonly issuedAtMs: number
  /** Last instant at which a node may begin it, by the wall clock. */
  readonly beginsUntilMs: number
  /** Instant until which it is kept at least; undefined if it ends with its initiator. */
  readonly keptUntilMs: number | undefined
  /** IDs of the keys that it says have signed it. */
  readonly signers: readonly string[]
}

/** A job, and how many of its nodes have begun and ended it. */
export interface StoredRun extends StoredJob {
  /** Number of nodes that have not begun it. */
  readonly waitingCount: number
  /** Number of nodes that run it, or have died while they did. */
  readonly runningCount: number
  /** Number of nodes that have ended or refused it. */
  readonly endedCount: number
}

/** A run that reads a job which was written before. */
export interface AttachedRun extends ExecRun {
  /** The job that is read. */
  readonly job: StoredJob
  /** Why the job is not verified: its signers are not trusted, or there are none. Undefined if it is. */
  readonly doubt: string | undefined
}

/** Runs commands on the nodes of a datacenter. */
export interface ExecInitiator {
  /**
   * Starts a job on the nodes that the selector matches (default: all). Rejects if the job cannot be written: then nothing
   * runs. Rejects with a UsageError if an argument is not valid. If no node matches, the run has the verdict
   * `no-nodes`. If the signal aborts, the run is cancelled.
   */
  run(job: JobSpec, selector?: NodeSelector, options?: RunOptions): Promise<ExecRun>
  /** Finds the nodes that a job with this selector would be for. Nothing is written. */
  findNodes(selector?: NodeSelector, options?: {readonly signal?: AbortSignal}): Promise<FoundNodes>
  /**
   * Writes a job that goes on without this process. Consul removes it and its answers when their time is over. Nodes
   * without a responder are refused. Rejects if the job cannot be written: then nothing runs.
   */
  detach(job: JobSpec, selector?: NodeSelector, options?: DetachOptions): Promise<DetachedRun>
  /**
   * Reads the answers to a job that was written before, from the first one on, and verifies them as `run` does. Ending the
   * run does not stop the job. Rejects with a UsageError if there is no such job, and with a RefusedError if its
   * signature is wrong.
   */
  attach(id: string, options?: AttachOptions): Promise<AttachedRun>
  /** Lists the jobs for responders that Consul has, the newest first; at most 1000. */
  list(options?: {readonly signal?: AbortSignal}): Promise<readonly StoredRun[]>
}
