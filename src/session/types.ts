import type {BootTime} from '../core/time/boot-time.js'
import type {SessionId} from '../core/types.js'

/** Options of a session. */
export interface SessionOptions {
  /** Name that session listings show. @default none */
  readonly name?: string
  /**
   * Time without a renewal after which Consul may end the session, in milliseconds: 10 s to a day, unless the servers
   * allow less.
   * @default 15000
   */
  readonly ttlMs?: number
  /**
   * Lock-delay in milliseconds, at most 60 s: after Consul has invalidated the session, no other session can acquire
   * its keys for this time.
   * @default 15000
   */
  readonly lockDelayMs?: number
  /** Whether Consul releases or deletes the keys of the session when the session ends. @default 'delete' */
  readonly behavior?: 'release' | 'delete'
  /**
   * Checks of the session's node that end the session when they fail. With `[]` only the TTL ends it, with
   * `['serfHealth']` also the failure of the node.
   * @default []
   */
  readonly nodeChecks?: readonly string[]
  /**
   * Node of the catalog that the session belongs to.
   * @default the agent's own; in another datacenter, one of the servers there
   */
  readonly node?: string
  /** Cancels the opening. To end an open session, dispose it; this signal does not end it. */
  readonly signal?: AbortSignal
  /** Time without a successful renewal after which the session counts as lost; may be Infinity. @default ttlMs */
  readonly unprovenLimitMs?: number
  /** Time between renewals, at most half of the TTL; also the time limit of one renewal. @default a third of the TTL */
  readonly renewEveryMs?: number
  /**
   * Returns the current time in milliseconds, by which deadlines are measured.
   * @default the boot time of the machine if the client has the system's clock, otherwise the client's monotonic time
   */
  readonly now?: BootTime
  /** Receives the outcome of each renewal. Must not throw. @default none */
  readonly observer?: (event: SessionEvent) => void
}

/** Events of an open session. Times are milliseconds of boot time. */
export type SessionEvent =
  /** Consul answered a renewal that was sent at `sentAtMs`. */
  | {readonly type: 'session.renewed'; readonly sentAtMs: number}
  /** A renewal failed; the session may still be alive. The next attempt follows after `retryMs`. */
  | {readonly type: 'session.degraded'; readonly error: unknown; readonly retryMs: number}
  /** Consul answered that the session does not exist. A consistent read has not confirmed it yet. */
  | {readonly type: 'session.doubted'}
  /** After a `session.doubted`, a consistent read found the session. */
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
  /** Boot time in milliseconds at which the newest request that proved the session alive was sent. */
  readonly provenAtMs: number
  /** `provenAtMs` plus the TTL: the servers keep the session at least until then unless it is destroyed. */
  readonly validUntil: number
  /** Changes the time between renewals, which is at most half of the TTL. Takes effect at once. */
  renewEvery(ms: number): void
  /** Stops the renewals. The session then expires up to twice its TTL later. */
  orphan(): void
  /**
   * Ends the session now. Resolves to false if Consul did not confirm it within `timeoutMs` (2000 by default); the
   * session then expires by its TTL. Rejects with a UsageError if `timeoutMs` is not a duration.
   */
  destroy(options?: {readonly timeoutMs?: number}): Promise<boolean>
}
