/** How a node is reached: baton's own job tree, or Consul's `_rexec` events. */
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
   * Maximum duration of the command on a node, in milliseconds. Responders then stop the whole process group. Agents
   * that run `_rexec` jobs have no timeout: the node is reported as timed out, and the command continues. @default no
   * limit
   */
  readonly timeoutMs?: number
  /**
   * Interval at which a silent node reports that the command still runs, in milliseconds. @default 2000 for `_rexec`,
   * 15000 for responders
   */
  readonly heartbeatMs?: number
}

/**
 * Selects the nodes of a job. A node must match every part. Expressions are RE2, not anchored, as in Consul: `service`
 * matches service IDs, not names.
 */
export interface NodeSelector {
  /** Matches the names of nodes. @default all nodes */
  readonly node?: string
  /**
   * Exact names of nodes or responders. An answer is expected from each: a name that Consul does not know is reported
   * as `no-answer`. @default all nodes
   */
  readonly names?: readonly string[]
  /** Matches the IDs of a node's services. @default all nodes */
  readonly service?: string
  /** Matches the tags of the service that `service` matches. A UsageError without `service`. @default all tags */
  readonly tag?: string
  /** Omits nodes whose names match. @default none */
  readonly exclude?: string
  /** Exact names of nodes to omit. @default none */
  readonly excludedNames?: readonly string[]
  /**
   * `passing`: nodes on which every health check passes, including those of services. `failing`: nodes with a check
   * that does not pass. The checks of responders do not count. @default all nodes
   */
  readonly health?: 'passing' | 'failing'
}

/** How a job ended on a node. Every expected node has exactly one outcome. */
export type NodeOutcome =
  | {readonly type: 'ok'}
  /** `code` is -1 if a signal ended the child and the node does not report which. */
  | {readonly type: 'failed'; readonly code: number; readonly signal?: string}
  | {readonly type: 'timed-out'; readonly afterMs: number}
  /** The job began, but its end is unknown. */
  | {readonly type: 'lost'; readonly reason: string}
  | {readonly type: 'no-answer'; readonly reason: string}
  | {readonly type: 'refused'; readonly code: string; readonly reason: string}
  | {readonly type: 'cancelled'}
  /** The roll-out stopped before it reached the node. */
  | {readonly type: 'not-run'; readonly reason: string}
  /** Dry run: the responder would run the job. */
  | {readonly type: 'allowed'; readonly reason: string}
  /** Dry run: the node cannot report whether it would run the job. */
  | {readonly type: 'unchecked'; readonly reason: string}
  /** The job continues, but the run no longer follows it. */
  | {readonly type: 'unfinished'; readonly reason: string}

/** A node from which an answer is expected. */
export interface ExpectedNode {
  /** Name of the node or of its responder. */
  readonly node: string
  /** How it is reached. */
  readonly via: Via
  /**
   * True if Consul's health check of the node does not pass. The node is in the results, but the run does not wait for
   * it.
   */
  readonly isDown?: boolean
  /**
   * Reason why a node that the selector names cannot be reached. The node is in the results, but the run does not wait
   * for it.
   */
  readonly absence?: 'unknown' | 'no-responder' | 'other-name'
}

/** The nodes that a selector matches at one moment. */
export interface FoundNodes {
  /** The nodes that a job would be for, and how each would be reached. */
  readonly nodes: readonly ExpectedNode[]
  /**
   * Names of services that the filter matches. Filled only if the filter matches no service ID, because only IDs count.
   */
  readonly serviceNamesMatched: readonly string[]
}

/** Options of one run. */
export interface RunOptions {
  /** Cancels the run when it aborts. @default the run is not cancelled */
  readonly signal?: AbortSignal
  /**
   * True to run nothing: responders check the job and report whether they would run it (`allowed`, `refused`). Nodes
   * that cannot check a job do not receive it (`unchecked`). @default false
   */
  readonly isDryRun?: boolean
  /** Sends the job to the nodes in batches, each as a job of its own. @default one job for all nodes at once */
  readonly rollout?: RolloutOptions
}

/** A number of nodes, or a part of all nodes such as `'25%'`. */
export type NodeShare = number | `${number}%`

/** Options of a run in batches. */
export interface RolloutOptions {
  /**
   * Sizes of the batches; the last one repeats. `[1, '10%', '50%']` starts with one node. A percentage is rounded down,
   * to at least one node. @default ['100%']
   */
  readonly batches?: readonly NodeShare[]
  /** Pause between two batches, in milliseconds. @default 0 */
  readonly pauseMs?: number
  /**
   * Maximum number of nodes that may fail, in any way. When more have failed, no further batch begins and the verdict
   * is `stopped`. @default 0
   */
  readonly maxFailures?: NodeShare
  /** Maximum number of retries on a node where the job failed, timed out or got no answer. @default 0 */
  readonly retryCount?: number
  /**
   * Name of a service. The next batch begins only when every instance that a node of the previous batch had at the
   * start of the run passes its checks. Rejects with a UsageError if no node has an instance. @default batches do not
   * wait
   */
  readonly untilHealthy?: string
  /** Maximum time to wait for `untilHealthy`, in milliseconds. After it, the run stops. @default 300000 */
  readonly healthyTimeoutMs?: number
  /** Maximum time for all batches together, in milliseconds. After it, running jobs are stopped. @default no limit */
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

/** A permission to run the job on one node, for instance a hold of a semaphore. Disposing releases it. */
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
  /** True if the first answer of the node arrived after it had been reported as `no-answer`. */
  readonly isLate: boolean
  /** Number of attempts, if there was more than one. @default 1 */
  readonly attempts?: number
}

/** `merged`: the node reports stdout and stderr as one stream. */
export type OutputStream = 'stdout' | 'stderr' | 'merged'

/** All output of a node comes before its `exit` or `outcome`; each expected node has exactly one `outcome`. */
export type ExecEvent =
  | {
      readonly type: 'targets'
      readonly nodes: readonly ExpectedNode[]
      /** Names of services that the service filter matches, if it matches no service ID. Only IDs count. */
      readonly serviceNamesMatched: readonly string[]
    }
  | {readonly type: 'session-created' | 'event-fired'; readonly id: string}
  | {readonly type: 'job-written'}
  | {readonly type: 'unknown-key'; readonly key: string}
  | {readonly type: 'ack' | 'heartbeat' | 'unexpected' | 'late'; readonly node: string}
  /**
   * An answer names a node that the signed job is not for. The answer is ignored; only the first such answer of a run
   * is reported.
   */
  | {readonly type: 'foreign'; readonly node: string}
  /**
   * An answer is not signed by the node's responder, although it should be. The answer is ignored; only the first such
   * answer of a run is reported.
   */
  | {readonly type: 'forged'; readonly node: string}
  | {
      readonly type: 'output'
      readonly node: string
      readonly seq: number
      readonly stream: OutputStream
      readonly chunk: Buffer
    }
  /** Frames of output that never arrived. `seq` is the number of the first missing frame. */
  | {readonly type: 'missing'; readonly node: string; readonly seq: number; readonly count: number}
  /** The node dropped this number of bytes of output because of a limit. */
  | {readonly type: 'truncated'; readonly node: string; readonly droppedBytes: number}
  | {readonly type: 'exit'; readonly node: string; readonly code: number}
  | {readonly type: 'outcome'; readonly node: string; readonly outcome: NodeOutcome}
  /** The next batch of a roll-out begins. `job` is the ID of the batch's job. */
  | {readonly type: 'batch'; readonly number: number; readonly job: string; readonly nodes: readonly string[]}
  /** The job is tried again on a node, where it has ended with this outcome. */
  | {readonly type: 'retry'; readonly node: string; readonly attempt: number; readonly outcome: NodeOutcome}
  /** The roll-out waits until the service is healthy on these nodes, or has stopped waiting. */
  | {
      readonly type: 'gate'
      readonly service: string
      readonly state: 'waiting' | 'open' | 'closed'
      readonly nodes: readonly string[]
    }
  | {readonly type: 'retrying'; readonly via: Via; readonly reason: string}

/**
 * The worst outcome of all nodes, in the order unfinished, refused, stopped, incomplete, silent, failed, cancelled, truncated.
 * `stopped`: too many nodes failed, or a service did not become healthy.
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

/** The results of all nodes, complete when every node has its outcome. */
export interface ExecSummary {
  /** The worst outcome. `no-nodes` if no node matched. */
  readonly verdict: ExecVerdict
  /** One result for each expected node, and for each that answered unexpectedly. */
  readonly nodes: readonly NodeResult[]
  /** Number of nodes that acknowledged the job. */
  readonly ackedCount: number
  /** Number of nodes whose exit code is known. */
  readonly completedCount: number
  /** Time from the call of `run` to its end, in milliseconds. */
  readonly durationMs: number
  /** True if the run was a dry run, in which nothing runs. */
  readonly isDryRun: boolean
}

/**
 * One job in progress. It can be iterated once, and continues whether or not it is iterated. Disposing cancels
 * unfinished nodes and removes all keys of the job from Consul; disposing again has no effect.
 */
export interface ExecRun extends AsyncIterable<ExecEvent>, AsyncDisposable {
  /** ID of the job; empty if no node matched. */
  readonly id: string
  /** Resolves when every expected node has its outcome and the job's keys are removed. Rejects if Consul refuses a read. */
  readonly summary: Promise<ExecSummary>
  /** Cancels unfinished nodes without the grace. Responders kill the command at once; agents let it continue. */
  kill(): void
}

/** Runs jobs on this node. */
export interface ExecResponder {
  /**
   * Serves jobs until the signal aborts. Then stops running jobs, deregisters and resolves. Waits for Consul at the
   * start. Rejects if the name or the state directory is not valid, if Consul refuses the registration, or if the
   * responder is not in the catalog 10 seconds after its registration.
   */
  serve(options: {readonly signal: AbortSignal}): Promise<void>
}
