/** How a node is reached: baton's own job tree, or Consul's `_rexec` events. */
export type Via = 'native' | 'rexec'

/** What to run. `shell` is one line for the node's `$SHELL -c`, `argv` runs without a shell, `script` is a whole file. */
export type JobCommand =
  | {readonly kind: 'shell'; readonly line: string}
  | {readonly kind: 'argv'; readonly argv: readonly string[]}
  | {readonly kind: 'script'; readonly script: Uint8Array}

/** One job, the same for every node. */
export interface JobSpec {
  /** What to run. */
  readonly command: JobCommand
  /**
   * Maximum time for a node, in milliseconds. Responders then stop the whole process group. Agents that run `_rexec` jobs
   * have no timeout: the node is reported, and the command goes on.
   * @default no limit
   */
  readonly timeoutMs?: number
  /** Interval in which a silent node reports that it still runs, in milliseconds. @default 2000 for `_rexec`, 15000 for responders */
  readonly heartbeatMs?: number
}

/** RE2 expressions, not anchored, as in Consul: `service` matches service IDs, not names. */
export interface NodeSelector {
  /** Matches the names of nodes. @default all nodes */
  readonly node?: string
  /** Matches the IDs of a node's services. @default all nodes */
  readonly service?: string
  /** Matches the tags of the service that `service` matches. A UsageError without `service`. @default all tags */
  readonly tag?: string
  /** Nodes whose names match are left out. @default none */
  readonly exclude?: string
}

/** How a job ended on a node. Every expected node has exactly one outcome. */
export type NodeOutcome =
  | {readonly type: 'ok'}
  /** `code` is -1 if a signal ended the child and the node does not report which. */
  | {readonly type: 'failed'; readonly code: number; readonly signal?: string}
  | {readonly type: 'timed-out'; readonly afterMs: number}
  /** The job had begun, and how it ended is unknown. */
  | {readonly type: 'lost'; readonly reason: string}
  | {readonly type: 'no-answer'; readonly reason: string}
  | {readonly type: 'refused'; readonly code: string; readonly reason: string}
  | {readonly type: 'cancelled'}

/** A node from which an answer is expected. */
export interface ExpectedNode {
  /** Name of the node or of its responder. */
  readonly node: string
  /** How it is reached. */
  readonly via: Via
  /** True if Consul's health check of the node does not pass: the node is named, but not waited for. */
  readonly isDown?: boolean
}

/** The result of one node. */
export interface NodeResult {
  /** Name of the node or of its responder. */
  readonly node: string
  /** How it was reached. */
  readonly via: Via
  /** How the job ended there. */
  readonly outcome: NodeOutcome
  /** False for a node that answered although the catalog did not contain it. */
  readonly isExpected: boolean
  /** True if the node acknowledged the job. */
  readonly isAcked: boolean
  /** Bytes of output that the node dropped between the beginning and the end, because of a limit. @default none */
  readonly droppedBytes?: number
  /** True if the node first answered after it had been reported as `no-answer`. */
  readonly isLate: boolean
}

/** `merged`: the node reports both streams as one. */
export type OutputStream = 'stdout' | 'stderr' | 'merged'

/** All output of a node comes before its `exit` or `outcome`; each expected node has exactly one `outcome`. */
export type ExecEvent =
  | {
      readonly type: 'targets'
      readonly nodes: readonly ExpectedNode[]
      /** Service names that the service filter matches, if it matches no ID: only IDs count. */
      readonly serviceNamesMatched: readonly string[]
    }
  | {readonly type: 'session-created' | 'event-fired'; readonly id: string}
  | {readonly type: 'job-written'}
  | {readonly type: 'unknown-key'; readonly key: string}
  | {readonly type: 'ack' | 'heartbeat' | 'unexpected' | 'late'; readonly node: string}
  /** A report for a node that the signed job does not name. It is ignored; the first one of a run is announced. */
  | {readonly type: 'foreign'; readonly node: string}
  | {
      readonly type: 'output'
      readonly node: string
      readonly seq: number
      readonly stream: OutputStream
      readonly chunk: Buffer
    }
  /** Frames of output that never arrived: `seq` is the number of the first. */
  | {readonly type: 'missing'; readonly node: string; readonly seq: number; readonly count: number}
  /** The node dropped this much output, because of a limit. */
  | {readonly type: 'truncated'; readonly node: string; readonly droppedBytes: number}
  | {readonly type: 'exit'; readonly node: string; readonly code: number}
  | {readonly type: 'outcome'; readonly node: string; readonly outcome: NodeOutcome}
  | {readonly type: 'retrying'; readonly via: Via; readonly reason: string}

/** The worst outcome of all nodes, in the order refused, incomplete, silent, failed, cancelled, truncated. */
export type ExecVerdict = 'ok' | 'truncated' | 'refused' | 'incomplete' | 'silent' | 'failed' | 'no-nodes' | 'cancelled'

/** The results of all nodes, when each has its outcome. */
export interface ExecSummary {
  /** The worst outcome. `no-nodes` if no node matched. */
  readonly verdict: ExecVerdict
  /** One result for each expected node, and for each that answered unexpectedly. */
  readonly nodes: readonly NodeResult[]
  /** Number of nodes that acknowledged the job. */
  readonly ackedCount: number
  /** Number of nodes whose exit code is known. */
  readonly completedCount: number
  /** Time from the call of `run` to the end, in milliseconds. */
  readonly durationMs: number
}

/**
 * One job in progress. It can be iterated once, and goes on whether or not it is. Disposing cancels what is unfinished and
 * removes all keys of the job from Consul; it can be repeated.
 */
export interface ExecRun extends AsyncIterable<ExecEvent>, AsyncDisposable {
  /** ID of the job; empty if no node matched. */
  readonly id: string
  /** Resolves when every expected node has its outcome and the job's keys are removed. Rejects if Consul refuses a read. */
  readonly summary: Promise<ExecSummary>
  /** Cancels unfinished nodes without the grace: responders kill the job at once, but agents let it run on. */
  kill(): void
}

/** Runs commands on the nodes of a datacenter. */
export interface ExecInitiator {
  /**
   * Starts a job on the nodes that the selector matches (default: all). Rejects if the job cannot be written: then nothing
   * runs. Rejects with a UsageError if an argument is not valid. If no node matches, the run has the verdict
   * `no-nodes`. If the signal aborts, the run is cancelled.
   */
  run(job: JobSpec, selector?: NodeSelector, options?: {readonly signal?: AbortSignal}): Promise<ExecRun>
}

/** Runs jobs on this node. */
export interface ExecResponder {
  /**
   * Serves jobs until the signal aborts, then stops what runs, deregisters and resolves. Waits for Consul at its start.
   * Rejects if the name or the state directory is not valid, if Consul refuses the registration, or if the responder is
   * not in the catalog 10 seconds after it registered.
   */
  serve(options: {readonly signal: AbortSignal}): Promise<void>
}
