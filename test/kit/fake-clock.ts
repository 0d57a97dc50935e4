import type {Clock, Timer} from '../../src/core/types.js'

interface Pending {
  readonly atMs: number
  readonly run: () => void
}

/** A clock that stands still until it is told to move. */
export class FakeClock implements Clock {
  #nowMs = 0
  readonly #pending = new Set<Pending>()
  /** Added to the wall clock only. */
  wallOffsetMs = 1_700_000_000_000

  monotonicMs = (): number => this.#nowMs

  wallMs = (): number => this.#nowMs + this.wallOffsetMs

  timer(ms: number, callback: () => void): Timer {
    let fired = false
    const pending: Pending = {
      atMs: this.#nowMs + Math.max(0, ms),
      run: () => {
        fired = true
        callback()
      },
    }
    this.#pending.add(pending)
    return {
      get fired() {
        return fired
      },
      [Symbol.dispose]: () => {
        this.#pending.delete(pending)
      },
    }
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

  /** Runs everything due within the next `ms`, in order, and lets promises settle after each step. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settle()
    for (let next = this.#nextDue(endMs); next; next = this.#nextDue(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      this.#pending.delete(next)
      next.run()
      await settle()
    }
    this.#nowMs = endMs
    await settle()
  }

  /** Timers that still wait. */
  get pendingCount(): number {
    return this.#pending.size
  }

  #nextDue(endMs: number): Pending | undefined {
    return [...this.#pending].filter(one => one.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
  }
}

/** Lets everything run that waits for promises alone. */
export const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
