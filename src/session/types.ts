import type {BootTime} from '../core/time/boot-time.js'
import type {SessionId} from '../core/types.js'

/** Options of a session. */
export interface SessionOptions {
  /** Name that session listings show. @default none */
  readonly name?: string
  /** Time after the last renewal at which Consul may end the session: 10 s to a day, unless the servers allow less. @default 15000 */
  readonly ttlMs?: number
  /** Time for which nothing can acquire a key after Consul has invalidated the session that held it; at most 60 s. @default 15000 */
  readonly lockDelayMs?: number
  /** Whether Consul releases or deletes the keys of the session when the session ends. @default 'delete' */
  readonly behavior?: 'release' | 'delete'
  /** `[]` ties the session to its TTL alone, `['serfHealth']` to the node as well. @default [] */
  readonly nodeChecks?: readonly string[]
  /** Node of the catalog that the session belongs to. @default the agent's own; in another datacenter one of the servers there */
  readonly node?: string
  /** Cancels opening. An open session is ended by disposing it, not by this signal. */
  readonly signal?: AbortSignal
  /** Time without a successful renewal after which the session counts as lost; may be Infinity. @default ttlMs */
  readonly unprovenLimitMs?: number
  /** Time between renewals, at most half of the TTL; also the time limit of one renewal. @default a third of the TTL */
  readonly renewEveryMs?: number
  /**
   * Returns the time in milliseconds on which deadlines are measured. @default the boot time of the machine if the
   * client has the system's clock, otherwise the client's monotonic time
   */
  readonly now?: BootTime
  /** Receives the outcome of renewals. Must not throw. @default none */
  readonly observer?: (event: SessionEvent) => void
}

/** Events of an open session. Times are milliseconds of boot time. */
export type SessionEvent =
  /** A renewal that was sent at `sentAtMs` was answered. */
  | {readonly type: 'session.renewed'; readonly sentAtMs: number}
  /** A renewal failed; the session may still be alive. The next attempt follows after `retryMs`. */
  | {readonly type: 'session.degraded'; readonly error: unknown; readonly retryMs: number}
  /** Consul answered that the session does not exist, and a consistent read has not confirmed it yet. */
  | {readonly type: 'session.doubted'}
  /** A consistent read found the session after a `session.doubted`. */
  | {readonly type: 'session.confirmed'}

/**
 * A session that is renewed every third of its TTL until it is disposed, orphaned or lost. Disposing destroys it, takes
 * at most a few seconds, may be repeated and does not throw.
 */
export interface Session extends AsyncDisposable {
  /** ID of the session. */
  readonly id: SessionId
  /** TTL in milliseconds, as requested. */
  readonly ttlMs: number
  /** Lock-delay in milliseconds, as requested. */
  readonly lockDelayMs: number
  /** Checks of the node that end the session when they fail. */
  readonly nodeChecks: readonly string[]
  /**
   * Aborts with a SessionLostError when Consul no longer knows the session, or when no renewal succeeded for
   * `unprovenLimitMs`. A failed renewal alone does not abort it.
   */
  readonly signal: AbortSignal
  /** Send time (boot time, ms) of the newest request that proved the session alive. */
  readonly provenAtMs: number
  /** `provenAtMs` plus the TTL: the servers keep the session at least until then unless it is destroyed. */
  readonly validUntil: number
  /** Changes the time between renewals, from now on: at most half of the TTL. */
  renewEvery(ms: number): void
  /** Stops the renewals. The session then expires up to twice its TTL later. */
  orphan(): void
  /**
   * Ends the session now. False if Consul did not confirm it within `timeoutMs` (2000 by default): then the session
   * expires. Rejects with a UsageError if `timeoutMs` is not a duration.
   */
  destroy(options?: {readonly timeoutMs?: number}): Promise<boolean>
}
