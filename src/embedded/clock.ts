import {sleepOn} from '../core/time/clock.js'
import type {Clock, Timer} from '../core/types.js'

interface Pending {
  readonly dueMs: number
  readonly fire: () => void
  base: Timer
}

/**
 * A clock that can be advanced. Advancing it runs, in order, all timers that have thereby become due, and reschedules
 * the others.
 */
export class MovableClock implements Clock {
  readonly #base: Clock
  readonly #pending = new Set<Pending>()
  #aheadMs = 0

  constructor(base: Clock) {
    this.#base = base
  }

  monotonicMs = (): number => this.#base.monotonicMs() + this.#aheadMs
  wallMs = (): number => this.#base.wallMs() + this.#aheadMs

  timer(ms: number, callback: () => void, options?: {readonly ref?: boolean}): Timer {
    let fired = false
    const fire = (): void => {
      this.#pending.delete(entry)
      fired = true
      callback()
    }
    const entry: Pending = {dueMs: this.monotonicMs() + ms, fire, base: this.#base.timer(ms, fire, options)}
    this.#pending.add(entry)
    return {
      get fired() {
        return fired
      },
      [Symbol.dispose]: () => {
        this.#pending.delete(entry)
        entry.base[Symbol.dispose]()
      },
    }
  }

  sleep = (ms: number, signal?: AbortSignal): Promise<void> => sleepOn(this, ms, signal)

  /** Advances the clock by `ms`. */
  advance(ms: number): void {
    this.#aheadMs += ms
    const ordered = [...this.#pending].sort((a, b) => a.dueMs - b.dueMs)
    for (const entry of ordered) {
      if (!this.#pending.has(entry)) continue
      entry.base[Symbol.dispose]()
      const leftMs = entry.dueMs - this.monotonicMs()
      if (leftMs <= 0) entry.fire()
      else entry.base = this.#base.timer(leftMs, entry.fire, {ref: false})
    }
  }
}
