import {setImmediate as turn} from 'node:timers/promises'
import type {Clock, Timer} from '../../src/core/types.js'

class FakeTimer implements Timer {
  fired = false
  cancelled = false
  readonly dueMs: number
  readonly callback: () => void

  constructor(dueMs: number, callback: () => void) {
    this.dueMs = dueMs
    this.callback = callback
  }

  [Symbol.dispose](): void {
    this.cancelled = true
  }
}

/** A clock that only moves when a test advances it. */
export class FakeClock implements Clock {
  #nowMs: number
  /** Difference between the wall clock and the monotonic clock, in milliseconds; set it to change the wall clock. */
  wallOffsetMs: number
  #timers: FakeTimer[] = []

  constructor(startMs = 0, wallMs = 1_700_000_000_000) {
    this.#nowMs = startMs
    this.wallOffsetMs = wallMs - startMs
  }

  monotonicMs = (): number => this.#nowMs

  wallMs = (): number => this.#nowMs + this.wallOffsetMs

  timer(ms: number, callback: () => void): Timer {
    const timer = new FakeTimer(this.#nowMs + Math.max(0, ms), callback)
    this.#timers.push(timer)
    return timer
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const onAbort = (): void => {
        timer[Symbol.dispose]()
        reject(signal?.reason)
      }
      const timer = this.timer(ms, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, {once: true})
    })
  }

  /** Number of pending timers: 0 once the tested object is closed. */
  get pendingCount(): number {
    return this.#live().length
  }

  /** Milliseconds until the next timer; undefined if there is none. */
  get nextInMs(): number | undefined {
    const next = this.#live()[0]
    return next && next.dueMs - this.#nowMs
  }

  /** Advances both clocks, runs due timers in order, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settle()
    for (;;) {
      const next = this.#live()[0]
      if (!next || next.dueMs > untilMs) break
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.fired = true
      next.callback()
      await settle()
    }
    this.#nowMs = untilMs
    await settle()
  }

  /** Simulates a stopped process: both clocks move on, and late timers run at the next `advance`. */
  stop(ms: number): void {
    this.#nowMs += ms
  }

  /** Simulates a suspended machine: the wall clock moves on, the monotonic clock does not. */
  jump(ms: number): void {
    this.wallOffsetMs += ms
  }

  #live(): FakeTimer[] {
    this.#timers = this.#timers.filter(timer => !timer.fired && !timer.cancelled)
    return this.#timers.toSorted((a, b) => a.dueMs - b.dueMs)
  }
}

/** Resolves once all promises have settled that wait for no timer and no socket. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await turn()
}
