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

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs: number
  /** Added to the monotonic clock it makes the wall clock: change it to set that one. */
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

  /** Timers that still wait: after a test of something that was closed, 0. */
  get pendingCount(): number {
    return this.#live().length
  }

  /** Milliseconds until the next timer. */
  get nextInMs(): number | undefined {
    const next = this.#live()[0]
    return next && next.dueMs - this.#nowMs
  }

  /** Moves both clocks, running due timers in the order of their time and letting promises settle after each. */
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

  /** As when the process was stopped for a while: both clocks go on, and late timers run at the next `advance`. */
  stop(ms: number): void {
    this.#nowMs += ms
  }

  /** As when the machine slept: the wall clock has gone on, the monotonic clock has not. */
  jump(ms: number): void {
    this.wallOffsetMs += ms
  }

  #live(): FakeTimer[] {
    this.#timers = this.#timers.filter(timer => !timer.fired && !timer.cancelled)
    return this.#timers.toSorted((a, b) => a.dueMs - b.dueMs)
  }
}

/** Lets everything run that waits for no timer and no socket. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await turn()
}
