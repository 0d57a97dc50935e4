import type {FencingToken, SessionId} from '../core/types.js'
import type {AcquireOptions, Hold, LockOptions} from './types.js'

/** Options of an election. */
export interface ElectionOptions extends LockOptions {
  /** The value that observers see while this candidate leads, for instance its address. @default '' */
  readonly value?: string
}

/** The leader of an election. */
export interface Leader {
  /** Session of the leader. */
  readonly session: SessionId
  /**
   * The leader's value. Undefined until the leader has published it, and if a program that is not a candidate, such as
   * `baton lock`, holds the lock.
   */
  readonly value: string | undefined
  /** Fencing token of the term; undefined if `value` is undefined. */
  readonly token: FencingToken | undefined
}

/** A term: the time for which a candidate leads. Disposing it resigns, and does not throw. */
export interface Term extends AsyncDisposable {
  /** The hold of the lock, with its fencing token, `remainingMs`, and fenced writes. */
  readonly hold: Hold
  /**
   * Aborts when the candidate must no longer act as the leader: when `hold.signal` aborts, or the signal passed to
   * `lead`.
   */
  readonly signal: AbortSignal
  /** Changes the value that observers see. Rejects with a LockLostError if the candidate no longer leads. */
  publish(value: string): Promise<void>
  /**
   * Ends the term, so that the next candidate is elected at once. Does not reject. Repeated calls resolve to the same
   * outcome.
   */
  resign(): Promise<void>
}

/** An election: any number of processes have candidates, of which at most one leads at a time. */
export interface Election {
  /**
   * Waits until this candidate leads. Candidates are elected in the order in which they began to wait. Rejects as
   * `acquire` of a mutex does.
   */
  campaign(options?: AcquireOptions): Promise<Term>
  /**
   * Campaigns, runs `work` during the term, and campaigns again if the term was lost. If `work` ends while the
   * candidate leads, the candidate resigns, and the promise settles with the result or error of `work`. Rejects with
   * the signal's reason if the signal aborts, and in the same cases as `campaign`. `work` must stop when `term.signal`
   * aborts.
   */
  lead<T>(work: (term: Term) => Promise<T>, options?: {readonly signal?: AbortSignal}): Promise<T>
  /**
   * Resolves to the leader according to a consistent read, or to undefined if there is none. Rejects if Consul does not
   * answer.
   */
  leader(options?: {readonly signal?: AbortSignal}): Promise<Leader | undefined>
  /**
   * Yields the leader, then each new leader and each new value, and undefined while there is no leader. Yields nothing
   * while Consul does not answer, so the leader may then change unnoticed. Ends with the signal's reason. An observer
   * need not be a candidate.
   */
  observe(options: {readonly signal: AbortSignal}): AsyncIterable<Leader | undefined>
}
