import type {Clock, Timer, UserEvent} from '../../core/types.js'
import {byTime} from '../types.js'

interface Held<T> {
  readonly item: T
  readonly event: UserEvent
  readonly dueMs: number
}

/**
 * Keeps events waiting for a while, so that earlier events that gossip delivers late can still be handled first. When
 * the waiting time of an event has passed, it is released together with all waiting events of an earlier Lamport time,
 * in order. A window of 0 only sorts events that arrive together.
 */
export class OrderWindow<T extends {readonly event: UserEvent}> implements Disposable {
  readonly #clock: Clock
  readonly #windowMs: number
  readonly #release: (items: readonly T[]) => void
  #held: Held<T>[] = []
  #timer: Timer | undefined

  constructor(options: {
    readonly clock: Clock
    readonly windowMs: number
    readonly release: (items: readonly T[]) => void
  }) {
    this.#clock = options.clock
    this.#windowMs = options.windowMs
    this.#release = options.release
  }

  add(items: readonly T[]): void {
    if (this.#windowMs <= 0) {
      this.#release(items.toSorted((a, b) => byTime(a.event, b.event)))
      return
    }
    const dueMs = this.#clock.monotonicMs() + this.#windowMs
    this.#held.push(...items.map(item => ({item, event: item.event, dueMs})))
    this.#arm()
  }

  #arm(): void {
    this.#timer?.[Symbol.dispose]()
    if (this.#held.length === 0) return
    const nextMs = Math.min(...this.#held.map(held => held.dueMs))
    this.#timer = this.#clock.timer(nextMs - this.#clock.monotonicMs(), () => this.#flush())
  }

  #flush(): void {
    const nowMs = this.#clock.monotonicMs()
    const sorted = this.#held.toSorted((a, b) => byTime(a.event, b.event))
    const lastDue = sorted.findLastIndex(held => held.dueMs <= nowMs)
    this.#held = sorted.slice(lastDue + 1)
    if (lastDue >= 0) this.#release(sorted.slice(0, lastDue + 1).map(held => held.item))
    this.#arm()
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
    this.#held = []
  }
}
