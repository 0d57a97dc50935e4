import type {FencingToken, SessionId} from '../core/types.js'
import type {AcquireOptions, Hold, LockOptions} from './types.js'

/** Options of an election. */
export interface ElectionOptions extends LockOptions {
  /** Value that observers see while this candidate leads, such as its address. @default '' */
  readonly value?: string
}

/** The leader of an election. */
export interface Leader {
  /** Session of the leader. */
  readonly session: SessionId
  /**
   * Value of the leader. Undefined until the leader has published it, and if the lock is held by a program that is not
   * a candidate, such as `baton lock`.
   */
  readonly value: string | undefined
  /** Fencing token of the term; undefined if `value` is. */
  readonly token: FencingToken | undefined
}

/** The time for which a candidate leads. Disposing it resigns and does not throw. */
export interface Term extends AsyncDisposable {
  /** The hold of the lock: fencing token, `remainingMs`, fenced writes. */
  readonly hold: Hold
  /** Aborts when the candidate must no longer act as the leader: as `hold.signal` does, and with the signal of `lead`. */
  readonly signal: AbortSignal
  /** Changes the value that observers see. Rejects with a LockLostError if the candidate no longer leads. */
  publish(value: string): Promise<void>
  /** Ends the term, so that the next candidate is elected at once. Does not reject. A repeated call resolves to the same outcome. */
  resign(): Promise<void>
}

/** An election: candidates of any number of processes, of which at most one leads at a time. */
export interface Election {
  /**
   * Waits until this candidate leads. Candidates are elected in the order in which they began to wait. Rejects as
   * `acquire` of a mutex does.
   */
  campaign(options?: AcquireOptions): Promise<Term>
  /**
   * Campaigns, runs `work` for the term, and campaigns again if the term was lost. Resolves with the result of `work` if
   * that ends while the candidate leads, and resigns then. Rejects with the error of `work` in the same case, with the
   * signal's reason if the signal aborts, and as `campaign` does. `work` must stop when `term.signal` aborts.
   */
  lead<T>(work: (term: Term) => Promise<T>, options?: {readonly signal?: AbortSignal}): Promise<T>
  /** Resolves to the leader by a consistent read, and to undefined if there is none. Rejects if Consul does not answer. */
  leader(options?: {readonly signal?: AbortSignal}): Promise<Leader | undefined>
  /**
   * Yields the leader, and each later one; undefined while there is none. An outage yields nothing: the last leader
   * may have changed meanwhile. Ends with the signal's reason. An observer need not be a candidate.
   */
  observe(options: {readonly signal: AbortSignal}): AsyncIterable<Leader | undefined>
}
