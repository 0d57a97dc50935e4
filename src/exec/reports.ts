import type {KeyReader} from './reader.js'
import type {OutputStream, Via} from './types.js'

/** How a node says its child ended. */
export interface ExitReport {
  readonly code: number
  readonly signal?: string
  readonly isTimedOut?: boolean
  /** Output that the node left out because of a limit. */
  readonly droppedBytes?: number
  /** How long the child ran, by the node's clock. */
  readonly ranMs?: number
  readonly isCancelled?: boolean
  /** The responder was restarted while the child ran: nothing is known of its end. */
  readonly isInterrupted?: boolean
  /** How many numbered outputs there are, where the node says so. */
  readonly frameCount?: number
}

/** What one key below a job means. */
export type Report =
  | {readonly type: 'ack'; readonly node: string}
  | {readonly type: 'heartbeat'; readonly node: string; readonly seq: number}
  | {readonly type: 'output'; readonly node: string; readonly seq: number; readonly parts: readonly OutputPart[]}
  | {readonly type: 'exit'; readonly node: string; readonly exit: ExitReport}
  | {readonly type: 'refused'; readonly node: string; readonly code: string; readonly reason: string}

export interface OutputPart {
  readonly stream: OutputStream
  readonly chunk: Buffer
}

/** One way of bringing a job to nodes and its reports back. Disposing cancels the job and removes its keys. */
export interface JobDelivery extends AsyncDisposable {
  readonly via: Via
  readonly id: string
  /** Aborts when the job's session is gone: no further report can come. */
  readonly lost: AbortSignal
  /** Writes the job. Nodes may run from here on. */
  start(signal: AbortSignal): Promise<void>
  /** Reads what the nodes report. */
  reader(handle: (reports: readonly Report[]) => void): KeyReader
  /** Asks the nodes to stop what they run: with the job's grace, or at once. Resolves with false if they cannot be asked. */
  cancel(verb: 'cancel' | 'kill'): Promise<boolean>
}
