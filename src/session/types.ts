import type {BootTime} from '../core/time/boot-time.js'
import type {SessionId} from '../core/types.js'

/** How a session is made and kept. */
export interface SessionOptions {
  /** Shown by `consul session` tools. */
  readonly name?: string
  /** Between 10 s and a day unless the servers allow less. @default 15000 */
  readonly ttlMs?: number
  /** How long a key stays refused after its holder was invalidated; Consul caps it at 60 s. @default 15000 */
  readonly lockDelayMs?: number
  /** What becomes of the held keys. @default 'delete' */
  readonly behavior?: 'release' | 'delete'
  /** `[]` ties the session to its TTL alone, `['serfHealth']` to the node as well. @default [] */
  readonly nodeChecks?: readonly string[]
  /** A node of the catalog to attach to. @default the agent's own; in another datacenter one of the servers there */
  readonly node?: string
  /** Cancels opening. An open session ends by dispose, not by this signal. */
  readonly signal?: AbortSignal
  /** Without a successful renewal for this long the session counts as lost. @default ttlMs */
  readonly unprovenLimitMs?: number
  /** For owners that need proofs more often; also the time limit of one renewal. @default a third of the TTL */
  readonly renewEveryMs?: number
  /** @default the machine's boot time where the client has the system's clock, else the client's monotonic time */
  readonly now?: BootTime
  readonly observer?: SessionObserver
}

/** Receives the outcome of renewals. Must not throw. */
export interface SessionObserver {
  /** A renewal sent at `sentAtMs` (boot time) was answered. */
  readonly renewed?: (sentAtMs: number) => void
  /** A renewal failed; the session may still be alive. */
  readonly degraded?: (error: unknown) => void
  /** Consul said that the session is gone: true until a consistent read or a renewal says that it lives. */
  readonly doubted?: (isDoubted: boolean) => void
}

/**
 * A session that is kept alive: renewed every third of its TTL until it is disposed, orphaned or lost.
 * Disposing destroys it, takes at most a few seconds, is safe to repeat and does not throw.
 */
export interface Session extends AsyncDisposable {
  readonly id: SessionId
  readonly ttlMs: number
  readonly lockDelayMs: number
  readonly nodeChecks: readonly string[]
  /**
   * Aborts with a SessionLostError when Consul no longer knows the session, or when no renewal succeeded for
   * `unprovenLimitMs`. Refusals and failures by themselves are not loss.
   */
  readonly signal: AbortSignal
  /** Send time (boot time, ms) of the newest request that proved the session alive. */
  readonly provenAtMs: number
  /** `provenAtMs` plus the TTL: the servers keep the session at least until then unless it is destroyed. */
  readonly validUntil: number
  /** Stops renewing and leaves the session to expire, up to twice its TTL later. */
  orphan(): void
  /** Ends the session now. False if no answer came in time: then it expires by itself. @default timeoutMs 2000 */
  destroy(options?: {readonly timeoutMs?: number}): Promise<boolean>
}
