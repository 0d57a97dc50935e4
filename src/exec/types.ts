/** How a node is reached: baton's own job tree, or Consul's `_rexec` events. */
export type Via = 'native' | 'rexec'

/** What to run. `shell` is one line for the node's `$SHELL -c`, `argv` runs without a shell, `script` is a whole file. */
export type JobCommand =
  | {readonly kind: 'shell'; readonly line: string}
  | {readonly kind: 'argv'; readonly argv: readonly string[]}
  | {readonly kind: 'script'; readonly script: Uint8Array}

/** One job, for every node alike. */
export interface JobSpec {
  readonly command: JobCommand
  /**
   * Longest time a node may take. Responders stop the whole process group then; agents that serve `_rexec` know no
   * timeout: the node is reported, and what it runs goes on.
   * @default no limit
   */
  readonly timeoutMs?: number
  /** How often a silent node says that it is still at it. @default 2000 for `_rexec`, 15000 for responders */
  readonly heartbeatMs?: number
}

/** RE2 expressions, unanchored, as Consul judges them: `service` matches service IDs, not names. */
export interface NodeSelector {
  readonly node?: string
  readonly service?: string
  /** Needs `service`: one service must match both. */
  readonly tag?: string
  /** Nodes that match are left out. */
  readonly exclude?: string
}

/** The one end every expected node comes to. */
export type NodeOutcome =
  | {readonly type: 'ok'}
  /** `code` is -1 for a child that a signal ended, where the node says no more than that. */
  | {readonly type: 'failed'; readonly code: number; readonly signal?: string}
  | {readonly type: 'timed-out'; readonly afterMs: number}
  /** It had begun, and how it ended cannot be known. */
  | {readonly type: 'lost'; readonly reason: string}
  | {readonly type: 'no-answer'; readonly reason: string}
  | {readonly type: 'refused'; readonly code: string; readonly reason: string}
  | {readonly type: 'cancelled'}

/** A node of which an answer is expected. */
export interface ExpectedNode {
  readonly node: string
  readonly via: Via
  /** Consul's health check of the node is not passing: it is named, but not waited for. */
  readonly isDown?: boolean
}

/** What became of one node. */
export interface NodeResult {
  readonly node: string
  readonly via: Via
  readonly outcome: NodeOutcome
  /** False for a node that answered although the catalog did not foretell it. */
  readonly isExpected: boolean
  readonly isAcked: boolean
  /** Output that the node left out between the beginning and the end, because of a limit. Absent: none. */
  readonly droppedBytes?: number
  /** Its first sign came after it had been given up. */
  readonly isLate: boolean
}

/** `merged`: the node does not tell its streams apart. */
export type OutputStream = 'stdout' | 'stderr' | 'merged'

/** All output of a node comes before its `exit` or `outcome`; each expected node has exactly one `outcome`. */
export type ExecEvent =
  | {
      readonly type: 'targets'
      readonly nodes: readonly ExpectedNode[]
      /** The service filter fits these names, but no ID, and IDs are what it is judged by. */
      readonly serviceNamesMatched: readonly string[]
    }
  | {readonly type: 'session-created' | 'event-fired'; readonly id: string}
  | {readonly type: 'job-written'}
  | {readonly type: 'unknown-key'; readonly key: string}
  | {readonly type: 'ack' | 'heartbeat' | 'unexpected' | 'late'; readonly node: string}
  /** Something was reported for a node that the signed job does not name. It is ignored, and said once for a run. */
  | {readonly type: 'foreign'; readonly node: string}
  | {
      readonly type: 'output'
      readonly node: string
      readonly seq: number
      readonly stream: OutputStream
      readonly chunk: Buffer
    }
  /** Output that never arrived: `seq` is the first number missing. */
  | {readonly type: 'missing'; readonly node: string; readonly seq: number; readonly count: number}
  /** The node left that much output out, because of a limit. */
  | {readonly type: 'truncated'; readonly node: string; readonly droppedBytes: number}
  | {readonly type: 'exit'; readonly node: string; readonly code: number}
  | {readonly type: 'outcome'; readonly node: string; readonly outcome: NodeOutcome}
  | {readonly type: 'retrying'; readonly via: Via; readonly reason: string}

/** The worst that happened, in the order refused, incomplete, silent, failed, truncated. */
export type ExecVerdict = 'ok' | 'truncated' | 'refused' | 'incomplete' | 'silent' | 'failed' | 'no-nodes' | 'cancelled'

/** What became of all nodes, when each has come to its end. */
export interface ExecSummary {
  readonly verdict: ExecVerdict
  readonly nodes: readonly NodeResult[]
  readonly ackedCount: number
  /** Nodes whose exit code is known. */
  readonly completedCount: number
  readonly durationMs: number
}

/**
 * One job under way. Iterate to follow it, once; the run goes on whether anybody does or not.
 * Disposing cancels what is unfinished, removes everything the job left in Consul, and is safe to repeat.
 */
export interface ExecRun extends AsyncIterable<ExecEvent>, AsyncDisposable {
  readonly id: string
  /** Resolves when every expected node has its outcome and the job's keys are removed; rejects when Consul refused. */
  readonly summary: Promise<ExecSummary>
  /** Cancels what is unfinished without its grace: responders kill it at once. Agents cannot be asked. */
  kill(): void
}

/** Runs commands on the nodes of a datacenter. */
export interface ExecInitiator {
  /** Rejects when the job could not be written: then nothing runs. No matching node is a summary, not an error. */
  run(job: JobSpec, selector?: NodeSelector, options?: {readonly signal?: AbortSignal}): Promise<ExecRun>
}

/** Runs jobs on this node. */
export interface ExecResponder {
  /**
   * Serves jobs until the signal aborts. Then stops what runs, deregisters and resolves. Rejects if the name is not
   * valid, or if the responder is not in the catalog 10 seconds after it registered.
   */
  serve(options: {readonly signal: AbortSignal}): Promise<void>
}
