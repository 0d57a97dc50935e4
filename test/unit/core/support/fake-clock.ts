import type {Clock, Timer} from '../../../../src/core/types.js'

interface Due {
  readonly atMs: number
  readonly order: number
  callback: (() => void) | undefined
}

/** Lets everything run that only waits for promises. */
export const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Time moves only by {@link advance}. */
export class FakeClock implements Clock {
  #nowMs = 1000
  #wallOffsetMs = 1_700_000_000_000
  #order = 0
  #due: Due[] = []

  monotonicMs(): number {
    return this.#nowMs
  }
  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs
  }
  /** As a suspend shows itself: the wall clock has gone on, the monotonic clock has not. */
  jump(ms: number): void {
    this.#wallOffsetMs += ms
  }
  get pendingTimers(): number {
    return this.#due.length
  }

  timer(ms: number, callback: () => void): Timer {
    const due: Due = {atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, callback}
    let at = this.#due.length
    while (at > 0 && (this.#due[at - 1] as Due).atMs > due.atMs) at -= 1
    this.#due.splice(at, 0, due)
    return {
      get fired() {
        return due.callback === undefined
      },
      [Symbol.dispose]: () => {
        const index = this.#due.indexOf(due)
        if (index >= 0) this.#due.splice(index, 1)
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

  /** Runs everything that falls due within `ms`, letting promises settle after each timer. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settle()
    for (let next = this.#due[0]; next !== undefined && next.atMs <= endMs; next = this.#due[0]) {
      this.#due.shift()
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      const {callback} = next
      next.callback = undefined
      callback?.()
      await settle()
    }
    this.#nowMs = endMs
  }
}
