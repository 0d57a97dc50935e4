import type {Clock, Timer, UserEvent} from '../../core/types.js'
import {byTime} from '../types.js'

interface Group<T> {
  newest: T
  readonly endsMs: number
  timer: Timer
}

/**
 * Passes on only the newest event of each name, by Lamport time. It is passed on when no event of that name has come
 * for `quietMs`, or when `periodMs` have passed since the first one. The other events are passed to `dropped`.
 */
export class Coalescer<T extends {readonly event: UserEvent}> implements Disposable {
  readonly #options: CoalesceOptions<T>
  readonly #groups = new Map<string, Group<T>>()

  constructor(options: CoalesceOptions<T>) {
    this.#options = options
  }

  add(items: readonly T[]): void {
    for (const item of items) this.#addOne(item)
  }

  #addOne(item: T): void {
    const {clock, periodMs, quietMs, dropped} = this.#options
    const nowMs = clock.monotonicMs()
    const {name} = item.event
    const group = this.#groups.get(name)
    if (!group) {
      const timer = clock.timer(Math.min(quietMs, periodMs), () => this.#flush(name))
      this.#groups.set(name, {newest: item, endsMs: nowMs + periodMs, timer})
      return
    }
    const [older, newer] = byTime(group.newest.event, item.event) <= 0 ? [group.newest, item] : [item, group.newest]
    group.newest = newer
    dropped(older)
    group.timer[Symbol.dispose]()
    group.timer = clock.timer(Math.min(quietMs, group.endsMs - nowMs), () => this.#flush(name))
  }

  #flush(name: string): void {
    const group = this.#groups.get(name)
    this.#groups.delete(name)
    if (group) this.#options.release([group.newest])
  }

  [Symbol.dispose](): void {
    for (const group of this.#groups.values()) group.timer[Symbol.dispose]()
    this.#groups.clear()
  }
}

export interface CoalesceOptions<T> {
  readonly clock: Clock
  readonly periodMs: number
  readonly quietMs: number
  readonly release: (items: readonly T[]) => void
  readonly dropped: (item: T) => void
}
