import {setImmediate as turn} from 'node:timers/promises'
import {sleepOn} from '../../src/core/time/clock.js'
import type {Clock, Timer} from '../../src/core/types.js'

interface Pending {
  readonly dueMs: number
  readonly callback: () => void
  isFired: boolean
}

/** A clock on which time passes only when a test advances it. */
export class FakeClock implements Clock {
  #nowMs: number
  /** Difference between the wall clock and the monotonic clock, in milliseconds. Set it to change the wall clock. */
  wallOffsetMs: number
  readonly #turns: number
  /** Ordered by time, then by creation. */
  readonly #pending: Pending[] = []

  /**
   * `turns` is the number of turns of the event loop after each timer. Without sockets, one is
   * enough, and faster.
   * @default 3
   */
  constructor(startMs = 0, wallMs = 1_700_000_000_000, {turns = 3}: {readonly turns?: number} = {}) {
    this.#nowMs = startMs
    this.wallOffsetMs = wallMs - startMs
    this.#turns = turns
  }

  monotonicMs = (): number => this.#nowMs

  wallMs = (): number => this.#nowMs + this.wallOffsetMs

  timer(ms: number, callback: () => void): Timer {
    const pending: Pending = {dueMs: this.#nowMs + Math.max(0, ms), callback, isFired: false}
    const after = this.#pending.findLastIndex(other => other.dueMs <= pending.dueMs)
    this.#pending.splice(after + 1, 0, pending)
    return {
      get fired() {
        return pending.isFired
      },
      [Symbol.dispose]: () => {
        const at = this.#pending.indexOf(pending)
        if (at >= 0) this.#pending.splice(at, 1)
      },
    }
  }

  sleep = (ms: number, signal?: AbortSignal): Promise<void> => sleepOn(this, ms, signal)

  /** Number of pending timers, which a test expects to be 0 after it has closed the tested object. */
  get pendingCount(): number {
    return this.#pending.length
  }

  /** Milliseconds until the next timer; undefined if there is none. */
  get nextInMs(): number | undefined {
    const [next] = this.#pending
    return next && next.dueMs - this.#nowMs
  }

  /** Advances both clocks, runs due timers in order, and lets promises settle after each timer. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settle(this.#turns)
    for (let [next] = this.#pending; next && next.dueMs <= untilMs; [next] = this.#pending) {
      this.#pending.shift()
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.isFired = true
      next.callback()
      await settle(this.#turns)
    }
    this.#nowMs = untilMs
    await settle(this.#turns)
  }

  /** Simulates a stopped process: both clocks advance, and timers that are overdue run at the next `advance`. */
  stop(ms: number): void {
    this.#nowMs += ms
  }

  /** Simulates a suspended machine: the wall clock advances, but the monotonic clock does not. */
  jump(ms: number): void {
    this.wallOffsetMs += ms
  }
}

/** Resolves when all promises have settled, except for those that wait for a timer or a socket. */
export async function settle(turns = 3): Promise<void> {
  for (let round = 0; round < turns; round += 1) await turn()
}
