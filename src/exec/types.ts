/**
 * How a node is reached: `native` through baton's responder, `rexec` through Consul's agent and its `_rexec` events.
 */
export type Via = 'native' | 'rexec'

/**
 * The command of a job. `shell` is one line for the node's `$SHELL -c`, `argv` runs without a shell, `script` is the
 * content of a script file.
 */
export type JobCommand =
  | {readonly kind: 'shell'; readonly line: string}
  | {readonly kind: 'argv'; readonly argv: readonly string[]}
  | {readonly kind: 'script'; readonly script: Uint8Array}

/** One job, the same for every node. */
export interface JobSpec {
  /** The command. */
  readonly command: JobCommand
  /**
   * Maximum duration of the command on a node, in milliseconds. After that, a responder stops the whole process group.
   * Agents that run `_rexec` jobs have no timeout, so the node is reported as timed out while the command continues.
   * @default no limit
   */
  readonly timeoutMs?: number
  /**
   * Interval at which a node without output reports that the command is still running, in milliseconds.
   * @default 2000 for `_rexec`, 15000 for responders
   */
  readonly heartbeatMs?: number
}

/**
 * Selects the nodes of a job. A node must match all fields that are given. Expressions are RE2 and not anchored, as in
 * Consul; `service` is compared with service IDs, not with names.
 */
export interface NodeSelector {
  /** Matches the names of nodes. @default all nodes */
  readonly node?: string
  /**
   * Exact names of nodes or responders. An answer is expected from each of them; a name that Consul does not know is
   * reported as `no-answer`.
   * @default all nodes
   */
  readonly names?: readonly string[]
  /** Matches the IDs of a node's services. @default all nodes */
  readonly service?: string
  /**
   * Matches the tags of a service that `service` matches. A tag without `service` is a UsageError. @default all tags
   */
  readonly tag?: string
  /** Omits nodes whose names match. @default none */
  readonly exclude?: string
  /** Exact names of nodes to omit. @default none */
  readonly excludedNames?: readonly string[]
  /**
   * `passing`: nodes on which every health check passes, service checks included. `failing`: nodes with a check that
   * does not pass. The checks of responders do not count.
   * @default all nodes
   */
  readonly health?: 'passing' | 'failing'
}

/** How a job ended on a node. Every expected node has exactly one outcome. */
export type NodeOutcome =
  | {readonly type: 'ok'}
  /** `code` is -1 if a signal ended the child but the node does not report which one. */
  | {readonly type: 'failed'; readonly code: number; readonly signal?: string}
  | {readonly type: 'timed-out'; readonly afterMs: number}
  /** The job began, but its end is unknown. */
  | {readonly type: 'lost'; readonly reason: string}
  | {readonly type: 'no-answer'; readonly reason: string}
  | {readonly type: 'refused'; readonly code: string; readonly reason: string}
  | {readonly type: 'cancelled'}
  /** The roll-out stopped before it came to this node. */
  | {readonly type: 'not-run'; readonly reason: string}
  /** Dry run: the responder would run the job. */
  | {readonly type: 'allowed'; readonly reason: string}
  /** Dry run: the node cannot say whether it would run the job. */
  | {readonly type: 'unchecked'; readonly reason: string}
  /** The job continues, but the run no longer follows it. */
  | {readonly type: 'unfinished'; readonly reason: string}

/** A node from which an answer is expected. */
export interface ExpectedNode {
  /** Name of the node or of its responder. */
  readonly node: string
  /** How the node is reached. */
  readonly via: Via
  /**
   * True if Consul's health check of the node does not pass. The node is in the results, but the run does not wait for
   * its answer.
   */
  readonly isDown?: boolean
  /**
   * Reason why a node that the selector names cannot be reached. The node is in the results, but the run does not wait
   * for its answer.
   */
  readonly absence?: 'unknown' | 'no-responder' | 'other-name'
}

/** The nodes that a selector matches at one moment. */
export interface FoundNodes {
  /** The nodes that a job would be sent to, and how each would be reached. */
  readonly nodes: readonly ExpectedNode[]
  /** Names of services that the filter matches, although only IDs count. Empty if the filter matches an ID. */
  readonly serviceNamesMatched: readonly string[]
}

/** Options of one run. */
export interface RunOptions {
  /** Aborting this signal cancels the run. @default the run is not cancelled */
  readonly signal?: AbortSignal
  /**
   * True to run nothing: responders check the job and report whether they would run it (`allowed`, `refused`). Nodes
   * that cannot check a job do not receive it (`unchecked`). @default false
   */
  readonly isDryRun?: boolean
  /** Sends the job to the nodes in batches, each as a job of its own. @default one job for all nodes at once */
  readonly rollout?: RolloutOptions
}

/** A number of nodes, or a share of all nodes such as `'25%'`. */
export type NodeShare = number | `${number}%`

/** Options of a run in batches. */
export interface RolloutOptions {
  /**
   * Sizes of the batches; the last size is repeated. `[1, '10%', '50%']` starts with one node. A percentage is rounded
   * down, but to at least one node.
   * @default ['100%']
   */
  readonly batches?: readonly NodeShare[]
  /** Pause between two batches, in milliseconds. @default 0 */
  readonly pauseMs?: number
  /**
   * Maximum number of nodes that may fail, for whatever reason. When it is exceeded, no further batch begins and the
   * verdict is `stopped`.
   * @default 0
   */
  readonly maxFailures?: NodeShare
  /** Maximum number of retries on a node where the job failed, timed out or got no answer. @default 0 */
  readonly retryCount?: number
  /**
   * Name of a service. The next batch begins only when the service is healthy on the nodes of the previous batch: every
   * instance that they had at the start of the run must pass its checks. The run rejects with a UsageError if no node
   * has an instance.
   * @default batches do not wait
   */
  readonly untilHealthy?: string
  /** Maximum time to wait for `untilHealthy`, in milliseconds. When it has passed, the run stops. @default 300000 */
  readonly healthyTimeoutMs?: number
  /**
   * Maximum time for all batches together, in milliseconds. When it has passed, running jobs are stopped.
   * @default no limit
   */
  readonly totalTimeoutMs?: number
  /**
   * Maximum number of nodes that run the job at the same time. With `openSlot`, each node also waits for a slot.
   * @default a whole batch
   */
  readonly slotCount?: number
  /**
   * Acquires a slot. Called before the job starts on a node. If the slot is lost, the job is cancelled on that node.
   */
  readonly openSlot?: (signal: AbortSignal) => Promise<Slot>
}

/** A permission to run the job on one node, for instance an acquired slot of a semaphore. Disposing releases it. */
export interface Slot extends AsyncDisposable {
  /** Aborts when the slot is lost. */
  readonly signal: AbortSignal
}

/** The result of one node. */
export interface NodeResult {
  /** Name of the node or of its responder. */
  readonly node: string
  /** How the node was reached. */
  readonly via: Via
  /** How the job ended on the node. */
  readonly outcome: NodeOutcome
  /** False for a node that answered although the catalog did not contain it. */
  readonly isExpected: boolean
  /** True if the node acknowledged the job. */
  readonly isAcked: boolean
  /** Bytes of output that the node dropped between the beginning and the end because of a limit. @default none */
  readonly droppedBytes?: number
  /** True if the key of the node's responder signed all answers of the node. Answers of agents are never signed. */
  readonly isSigned: boolean
  /** True if the node's first answer came after the node had been reported as `no-answer`. */
  readonly isLate: boolean
  /** Number of attempts, if there was more than one. @default 1 */
  readonly attempts?: number
}

/** With `merged`, the node reports stdout and stderr as one stream. */
export type OutputStream = 'stdout' | 'stderr' | 'merged'

/** All output of a node comes before its `exit` and `outcome` events. Each expected node has exactly one `outcome`. */
export type ExecEvent =
  | {
      readonly type: 'targets'
      readonly nodes: readonly ExpectedNode[]
      /**
       * Names of services that the service filter matches, although only IDs count. Empty if the filter matches an ID.
       */
      readonly serviceNamesMatched: readonly string[]
    }
  | {readonly type: 'session-created' | 'event-fired'; readonly id: string}
  | {readonly type: 'job-written'}
  | {readonly type: 'unknown-key'; readonly key: string}
  | {readonly type: 'ack' | 'heartbeat' | 'unexpected' | 'late'; readonly node: string}
  /**
   * An answer names a node to which the signed job is not addressed. It is ignored, and only the first one of a run is
   * reported.
   */
  | {readonly type: 'foreign'; readonly node: string}
  /**
   * An answer lacks the signature that the node's responder should have made. It is ignored, and only the first one of
   * a run is reported.
   */
  | {readonly type: 'forged'; readonly node: string}
  | {
      readonly type: 'output'
      readonly node: string
      readonly seq: number
      readonly stream: OutputStream
      readonly chunk: Buffer
    }
  /** Frames (numbered pieces) of output that never arrived. `seq` is the number of the first missing frame. */
  | {readonly type: 'missing'; readonly node: string; readonly seq: number; readonly count: number}
  /** The node dropped this number of bytes of output because of a limit. */
  | {readonly type: 'truncated'; readonly node: string; readonly droppedBytes: number}
  | {readonly type: 'exit'; readonly node: string; readonly code: number}
  | {readonly type: 'outcome'; readonly node: string; readonly outcome: NodeOutcome}
  /** The next batch of a roll-out begins. `job` is the ID of the batch's job. */
  | {readonly type: 'batch'; readonly number: number; readonly job: string; readonly nodes: readonly string[]}
  /** The job is tried again on a node where it ended with this outcome. */
  | {readonly type: 'retry'; readonly node: string; readonly attempt: number; readonly outcome: NodeOutcome}
  /** The roll-out is waiting for the service to become healthy on these nodes, or has stopped waiting. */
  | {
      readonly type: 'gate'
      readonly service: string
      readonly state: 'waiting' | 'open' | 'closed'
      readonly nodes: readonly string[]
    }
  | {readonly type: 'retrying'; readonly via: Via; readonly reason: string}

/**
 * The worst outcome of all nodes, in this order from worst to best: unfinished, refused, stopped, incomplete, silent,
 * failed, cancelled, truncated. `stopped`: too many nodes failed, or a service did not become healthy.
 */
export type ExecVerdict =
  | 'ok'
  | 'truncated'
  | 'refused'
  | 'stopped'
  | 'incomplete'
  | 'silent'
  | 'failed'
  | 'no-nodes'
  | 'cancelled'
  | 'unfinished'

/** The results of all nodes. They are complete when every node has its outcome. */
export interface ExecSummary {
  /** The worst outcome. `no-nodes` if no node matched. */
  readonly verdict: ExecVerdict
  /** One result for each expected node, and one for each node that answered unexpectedly. */
  readonly nodes: readonly NodeResult[]
  /** Number of nodes that acknowledged the job. */
  readonly ackedCount: number
  /** Number of nodes whose exit code is known. */
  readonly completedCount: number
  /** Time from the call of `run` to the end of the run, in milliseconds. */
  readonly durationMs: number
  /** True if the run was a dry run, in which nothing runs. */
  readonly isDryRun: boolean
}

/**
 * A job in progress. Its events can be iterated once; the job continues even if they are not. Disposing cancels the job
 * on unfinished nodes and removes all keys of the job from Consul; disposing again has no effect.
 */
export interface ExecRun extends AsyncIterable<ExecEvent>, AsyncDisposable {
  /** ID of the job; empty if no node matched. */
  readonly id: string
  /**
   * Resolves when every expected node has its outcome and the job's keys were removed. Rejects if Consul refuses a
   * read.
   */
  readonly summary: Promise<ExecSummary>
  /**
   * Cancels the job on unfinished nodes without the grace period. Responders kill the command at once; agents let the
   * command continue.
   */
  kill(): void
}

/** Runs the jobs that are addressed to this node. */
export interface ExecResponder {
  /**
   * Serves jobs until the signal aborts. Then stops running jobs, deregisters and resolves. Waits for Consul at the
   * start. Rejects if the name or the state directory is not valid, if Consul refuses the registration, or if the
   * responder is not in the catalog 10 seconds after its registration.
   */
  serve(options: {readonly signal: AbortSignal}): Promise<void>
}
