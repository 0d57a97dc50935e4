import type {KeyReader} from './reader.js'
import type {OutputStream, Via} from './types.js'

/** The end of a child, as its node reports it. */
export interface ExitReport {
  readonly code: number
  readonly signal?: string
  readonly isTimedOut?: boolean
  /** Bytes of output that the node omitted because of a limit. */
  readonly droppedBytes?: number
  /** Time for which the child ran, measured by its node. */
  readonly ranMs?: number
  readonly isCancelled?: boolean
  /** True if the responder was restarted while the child ran, so that the child's end is unknown. */
  readonly isInterrupted?: boolean
  /** Number of frames (numbered pieces) of output; undefined if the node does not report it. */
  readonly frameCount?: number
}

/** A report that a node wrote to one of the job's keys. */
export type Report = ReportContent & {
  /** True if the answer is signed by the key of the node's responder. */
  readonly isSigned?: boolean
}

export type ReportContent =
  /** With `announcesStop`, the node will report, when the timeout has passed, that it is stopping the command. */
  | {readonly type: 'ack'; readonly node: string; readonly announcesStop?: boolean}
  | {readonly type: 'heartbeat'; readonly node: string; readonly seq: number}
  | OutputReport
  | {readonly type: 'exit'; readonly node: string; readonly exit: ExitReport}
  | {readonly type: 'refused'; readonly node: string; readonly code: string; readonly reason: string}
  | {readonly type: 'allowed'; readonly node: string; readonly reason: string}

/**
 * One frame of output. With `isStopping`, the timeout has passed and the node is stopping the
 * command.
 */
export interface OutputReport {
  readonly type: 'output'
  readonly node: string
  readonly seq: number
  readonly parts: readonly OutputPart[]
  readonly isStopping?: boolean
}

export interface OutputPart {
  readonly stream: OutputStream
  readonly chunk: Buffer
}

/** A way to send a job to nodes and to read their reports. Disposing cancels the job and removes its keys. */
export interface JobDelivery extends AsyncDisposable {
  readonly via: Via
  readonly id: string
  /** Nodes that receive the job; undefined if all nodes that are reached by this `via` receive it. */
  readonly nodes: ReadonlySet<string> | undefined
  /** Aborts when the job's session has ended. No further report can arrive. */
  readonly lost: AbortSignal
  /** Writes the job. After that, nodes may run it. */
  start(signal: AbortSignal): Promise<void>
  /** Returns a reader of the reports of all nodes. */
  reader(handle: (reports: readonly Report[]) => void): KeyReader
  /**
   * Asks the nodes to stop the job, with the job's grace period or at once. Resolves with false if they cannot be
   * asked.
   */
  cancel(verb: 'cancel' | 'kill'): Promise<boolean>
}
