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

/**
 * Which nodes a job is for: those that satisfy every part. Expressions are RE2, not anchored, as in Consul: `service`
 * matches service IDs, not names.
 */
export interface NodeSelector {
  /** Matches the names of nodes. @default all nodes */
  readonly node?: string
  /**
   * Exact names of nodes or responders. Each is expected: one that Consul does not know is reported as `no-answer`.
   * @default all nodes
   */
  readonly names?: readonly string[]
  /** Matches the IDs of a node's services. @default all nodes */
  readonly service?: string
  /** Matches the tags of the service that `service` matches. A UsageError without `service`. @default all tags */
  readonly tag?: string
  /** Nodes whose names match are left out. @default none */
  readonly exclude?: string
  /** Exact names of nodes that are left out. @default none */
  readonly excludedNames?: readonly string[]
  /**
   * `passing`: nodes of which every health check passes, those of their services included; `failing`: nodes with a check
   * that does not. The check of a responder does not count. @default all nodes
   */
  readonly health?: 'passing' | 'failing'
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
  /** The roll-out stopped before the node had its turn. */
  | {readonly type: 'not-run'; readonly reason: string}
  /** Dry run: the responder would run the job. */
  | {readonly type: 'allowed'; readonly reason: string}
  /** Dry run: the node cannot say whether it would run the job. */
  | {readonly type: 'unchecked'; readonly reason: string}
  /** The job goes on, and the run no longer follows it. */
  | {readonly type: 'unfinished'; readonly reason: string}

/** A node from which an answer is expected. */
export interface ExpectedNode {
  /** Name of the node or of its responder. */
  readonly node: string
  /** How it is reached. */
  readonly via: Via
  /** True if Consul's health check of the node does not pass: the node is named, but not waited for. */
  readonly isDown?: boolean
  /** Why a node that the selector names cannot be reached: it is named in the results, but not waited for. */
  readonly absence?: 'unknown' | 'no-responder' | 'other-name'
}

/** The nodes that a selector matches at one moment. */
export interface FoundNodes {
  /** The nodes that a job would be for, and how each would be reached. */
  readonly nodes: readonly ExpectedNode[]
  /** Service names that the service filter matches, if it matches no ID: only IDs count. */
  readonly serviceNamesMatched: readonly string[]
}

/** Options of one run. */
export interface RunOptions {
  /** Cancels the run when it aborts. @default the run is not cancelled */
  readonly signal?: AbortSignal
  /**
   * True if nothing is to run: responders check the job and report whether they would run it (`allowed`, `refused`).
   * Nodes that cannot check a job are not asked (`unchecked`). @default false
   */
  readonly isDryRun?: boolean
  /** Reaches the nodes in batches, each a job of its own. @default one job for all nodes at once */
  readonly rollout?: RolloutOptions
}

/** A number of nodes, or a part of all nodes such as `'25%'`. */
export type NodeShare = number | `${number}%`

/** How a job goes from batch to batch. */
export interface RolloutOptions {
  /**
   * Sizes of the batches; the last one repeats. `[1, '10%', '50%']` begins with one node. A part of the nodes is rounded
   * down, to at least one. @default ['100%']
   */
  readonly batches?: readonly NodeShare[]
  /** Pause between two batches, in milliseconds. @default 0 */
  readonly pauseMs?: number
  /**
   * No further batch begins once more nodes than this have failed, in whatever way. The verdict is then `stopped`.
   * @default 0
   */
  readonly maxFailures?: NodeShare
  /** How often a node on which the job failed, timed out or got no answer is tried again. @default 0 */
  readonly retryCount?: number
  /**
   * Name of a service. The next batch begins only when every instance that a node of this batch had at the start of the
   * run passes its checks. Rejects with a UsageError if no node has an instance. @default batches do not wait
   */
  readonly untilHealthy?: string
  /** Time to wait for `untilHealthy`, in milliseconds; then the run stops. @default 300000 */
  readonly healthyTimeoutMs?: number
  /** Time for all batches together, in milliseconds: what runs is then stopped. @default no limit */
  readonly totalTimeoutMs?: number
  /** How many nodes run the job at the same time; with `openSlot`, each after it has got a slot. @default a whole batch */
  readonly slotCount?: number
  /** Called before the job is started on a node. If the slot is lost, the job is cancelled on that node. */
  readonly openSlot?: (signal: AbortSignal) => Promise<Slot>
}

/** A right to run the job on one node, for instance a hold of a semaphore. Disposing gives it back. */
export interface Slot extends AsyncDisposable {
  /** Aborts when the slot is lost. */
  readonly signal: AbortSignal
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
  /** True if the key of the node's responder signed everything that it answered. Answers of agents are never signed. */
  readonly isSigned: boolean
  /** True if the node first answered after it had been reported as `no-answer`. */
  readonly isLate: boolean
  /** Number of attempts, if there was more than one. @default 1 */
  readonly attempts?: number
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
  /** An answer that the node's responder should have signed and did not. It is ignored; the first one of a run is announced. */
  | {readonly type: 'forged'; readonly node: string}
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
  /** The next batch of a roll-out begins. `job` is the ID of its job. */
  | {readonly type: 'batch'; readonly number: number; readonly job: string; readonly nodes: readonly string[]}
  /** The job is tried again on a node, on which it ended with this outcome. */
  | {readonly type: 'retry'; readonly node: string; readonly attempt: number; readonly outcome: NodeOutcome}
  /** The roll-out waits for the service on these nodes, or does not wait any more. */
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
  /** True if nothing ran, because the run was a dry run. */
  readonly isDryRun: boolean
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

/** Runs jobs on this node. */
export interface ExecResponder {
  /**
   * Serves jobs until the signal aborts, then stops what runs, deregisters and resolves. Waits for Consul at its start.
   * Rejects if the name or the state directory is not valid, if Consul refuses the registration, or if the responder is
   * not in the catalog 10 seconds after it registered.
   */
  serve(options: {readonly signal: AbortSignal}): Promise<void>
}
