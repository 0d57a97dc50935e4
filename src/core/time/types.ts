/** A running timer. It may be disposed twice. */
export interface Timer extends Disposable {
  /** True once the callback has been started. */
  readonly fired: boolean
}

/**
 * The only source of time in baton. `monotonicMs` is for deadlines, `wallMs` for people and for detecting that the
 * machine slept.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start. The value never decreases. */
  monotonicMs(): number
  /** Milliseconds since 1970, UTC. */
  wallMs(): number
  /** Resolves after `ms` milliseconds. Rejects with the signal's reason if the signal aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Runs `callback` once after `ms`. `ref: false` does not keep the process alive (default true). */
  timer(ms: number, callback: () => void, options?: {readonly ref?: boolean}): Timer
}

/** Returns a number from a uniform distribution over [0, 1). */
export type Random = () => number
