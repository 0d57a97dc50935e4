import type {TrustSource} from './native/trust.js'
import type {ExecRun, FoundNodes, JobCommand, JobSpec, NodeSelector, RunOptions} from './types.js'

/** Options of a job that continues without its initiator. */
export interface DetachOptions {
  /**
   * Cancels the start of the job. Once the job is written to Consul, the signal has no effect.
   * @default the start is not cancelled
   */
  readonly signal?: AbortSignal
  /**
   * Minimum time for which Consul keeps the job and its answers, in milliseconds: 10 seconds to a day. Consul removes
   * them between one and two times this long after the start. The job ends on every node before that.
   * @default 3600000
   */
  readonly keepMs?: number
  /**
   * Time in which nodes may begin the job, in milliseconds. If this option is given, the job also names nodes whose
   * responder is not running now. Responders refuse a time above their own maximum.
   * @default 60000
   */
  readonly windowMs?: number
}

/** A job that was written to Consul and continues without its initiator. */
export interface DetachedRun {
  /** ID of the job; empty if no node matched or all matching nodes were refused. */
  readonly id: string
  /** Names of the nodes that the job is for. */
  readonly nodes: readonly string[]
  /** Nodes that the selector matches but that cannot run the job. */
  readonly refused: readonly {readonly node: string; readonly code: string; readonly reason: string}[]
  /** Last time at which a node may begin the job, by the wall clock. */
  readonly beginsUntilMs: number
  /** Earliest time at which Consul removes the job, by the wall clock. */
  readonly keptUntilMs: number
}

/** A job that was signed but not written yet. */
export interface PreparedRun extends DetachedRun {
  /** The job with its signatures, as {@link ExecInitiator.submit} takes it; empty if no node can run it. */
  readonly document: Uint8Array
}

/** Options of {@link ExecInitiator.attach}. */
export interface AttachOptions {
  /** Aborting this signal ends the run, but the job continues. @default the run ends when the job ends */
  readonly signal?: AbortSignal
  /**
   * `follow` waits until every node has ended, `snapshot` only reads the answers that exist now. `cancel` (with the
   * job's grace period) and `kill` (at once) stop the job and then wait until every node has ended.
   * @default 'follow'
   */
  readonly mode?: 'follow' | 'snapshot' | 'cancel' | 'kill'
  /**
   * Trusted keys: a signature by one of them proves that no other party has changed the job or its list of nodes.
   * @default none
   */
  readonly jobTrust?: TrustSource
}

/** A job as it was read from Consul. */
export interface StoredJob {
  /** ID of the job. */
  readonly id: string
  /** The command that the job runs. */
  readonly command: JobCommand
  /** Names of the nodes that the job is for. */
  readonly nodes: readonly string[]
  /** Sender of the job, according to the job itself. It is not verified. */
  readonly requester: {readonly name: string; readonly host: string}
  /** Time of the signature, by the wall clock of the initiator, in milliseconds. */
  readonly issuedAtMs: number
  /** Last time at which a node may begin the job, by the wall clock. */
  readonly beginsUntilMs: number
  /** Earliest time at which Consul removes the job; undefined if the job ends with its initiator. */
  readonly keptUntilMs: number | undefined
  /** IDs of the keys that signed the job, according to the job itself. */
  readonly signers: readonly string[]
}

/** A job, with the number of nodes in each state. */
export interface StoredRun extends StoredJob {
  /** Number of nodes that have not begun the job. */
  readonly waitingCount: number
  /** Number of nodes that began the job and have not reported its end. Some of them may have died. */
  readonly runningCount: number
  /** Number of nodes that have ended or refused the job. */
  readonly endedCount: number
}

/** A run that reads the answers to a job that was written earlier. */
export interface AttachedRun extends ExecRun {
  /** The job that is read. */
  readonly job: StoredJob
  /**
   * Reason why the job could not be verified: it is not signed, or none of its signers is trusted. Undefined if it was
   * verified.
   */
  readonly doubt: string | undefined
}

/** Runs commands on the nodes of a datacenter. */
export interface ExecInitiator {
  /**
   * Starts a job on the nodes that the selector matches (default: all). Rejects if the job cannot be written, in which
   * case nothing runs, and with a UsageError if an argument is not valid. If no node matches, the run has the verdict
   * `no-nodes`. If the signal aborts, the run is cancelled.
   */
  run(job: JobSpec, selector?: NodeSelector, options?: RunOptions): Promise<ExecRun>
  /** Finds the nodes to which a job with this selector would be sent. Writes nothing. */
  findNodes(selector?: NodeSelector, options?: {readonly signal?: AbortSignal}): Promise<FoundNodes>
  /**
   * Writes a job that continues without this process. Consul removes the job and its answers after `keepMs`. Nodes
   * without a responder do not receive it, and are listed as refused. Rejects if the job cannot be written, in which
   * case nothing runs.
   */
  detach(job: JobSpec, selector?: NodeSelector, options?: DetachOptions): Promise<DetachedRun>
  /**
   * Signs a job as `detach` does, but does not write it, so that others can also sign it before it is submitted. Nodes
   * may begin the job within `windowMs` from now (default: 300000). Consul removes the job's session after `keepMs`,
   * even if the job is never written.
   */
  prepare(job: JobSpec, selector?: NodeSelector, options?: DetachOptions): Promise<PreparedRun>

  /**
   * Writes a job that `prepare` has signed. Resolves with the job. Rejects with a UsageError if the document is not a
   * prepared job, and with a RefusedError if it is too late to begin the job. If it rejects, nothing runs.
   */
  submit(document: Uint8Array, options?: {readonly signal?: AbortSignal}): Promise<StoredJob>

  /**
   * Reads the answers to a job that was written earlier, beginning with the first answer, and verifies them as `run`
   * does. The job continues after the run has ended. Rejects with a UsageError if the job does not exist, and with a
   * RefusedError if its signature is wrong.
   */
  attach(id: string, options?: AttachOptions): Promise<AttachedRun>
  /** Lists the newest jobs for responders that Consul contains (at most 1000), newest first. */
  list(options?: {readonly signal?: AbortSignal}): Promise<readonly StoredRun[]>
}
