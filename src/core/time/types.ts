/** A running timer. Disposing it twice is harmless. */
export interface Timer extends Disposable {
  /** True once the callback has been started. */
  readonly fired: boolean
}

/** The only source of time in baton. `monotonicMs` guards deadlines, `wallMs` is for people and for noticing suspends. */
export interface Clock {
  /** Milliseconds since an arbitrary instant, which never go back. */
  monotonicMs(): number
  /** Milliseconds since 1970, UTC. */
  wallMs(): number
  /** Rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Runs `callback` once after `ms`. `ref: false` does not keep the process alive (default true). */
  timer(ms: number, callback: () => void, options?: {readonly ref?: boolean}): Timer
}

/** Uniform in [0, 1). */
export type Random = () => number
