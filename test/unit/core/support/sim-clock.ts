import {setImmediate as turn} from 'node:timers/promises'
import type {Clock, Timer} from '../../../../src/core/types.js'

interface Due {
  readonly atMs: number
  readonly callback: () => void
  isOver: boolean
}

/** The kit's fake clock, made for millions of timers: sorted as they come, and one turn of the event loop for each. */
export class SimClock implements Clock {
  #nowMs = 0
  #wallOffsetMs = 1_700_000_000_000
  #due: Due[] = []

  monotonicMs = (): number => this.#nowMs
  wallMs = (): number => this.#nowMs + this.#wallOffsetMs

  jump(ms: number): void {
    this.#wallOffsetMs += ms
  }

  timer(ms: number, callback: () => void): Timer {
    const due: Due = {atMs: this.#nowMs + Math.max(0, ms), callback, isOver: false}
    let at = this.#due.length
    while (at > 0 && (this.#due[at - 1]?.atMs ?? 0) > due.atMs) at -= 1
    this.#due.splice(at, 0, due)
    return {
      get fired() {
        return due.isOver
      },
      [Symbol.dispose]: () => {
        const index = this.#due.indexOf(due)
        if (index >= 0) this.#due.splice(index, 1)
      },
    }
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
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

  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await turn()
    for (let next = this.#due[0]; next && next.atMs <= endMs; next = this.#due[0]) {
      this.#due.shift()
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.isOver = true
      next.callback()
      await turn()
    }
    this.#nowMs = endMs
  }
}
