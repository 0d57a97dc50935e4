import {TransportError} from '../errors.js'
import {formatDuration} from '../time/duration.js'
import type {Clock, Timer} from '../types.js'

const lookEveryMs = 5000
const jumpMs = 5000

/** One reader that has to know of a jump. */
interface Watcher {
  /** Difference between both clocks when the reader began. */
  readonly offsetMs: number
  readonly onJump: (error: TransportError) => void
}

const offsetOf = (clock: Clock): number => clock.wallMs() - clock.monotonicMs()

/**
 * Compares the wall clock with the monotonic clock for all watchers of one clock. They share one timer: with one for
 * each of many parked queries, an idle process would wake several times a second.
 */
class JumpWatch {
  readonly #clock: Clock
  readonly #watchers = new Set<Watcher>()
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(onJump: Watcher['onJump']): Disposable {
    const watcher = {offsetMs: offsetOf(this.#clock), onJump}
    this.#watchers.add(watcher)
    if (!this.#timer) this.#start()
    return {
      [Symbol.dispose]: () => {
        this.#watchers.delete(watcher)
        if (this.#watchers.size === 0) this.#stop()
      },
    }
  }

  #start(): void {
    this.#timer = this.#clock.timer(lookEveryMs, () => this.#look(), {ref: false})
  }

  #stop(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  #look(): void {
    this.#stop()
    const nowMs = offsetOf(this.#clock)
    for (const watcher of this.#watchers) {
      const driftMs = nowMs - watcher.offsetMs
      if (Math.abs(driftMs) < jumpMs) continue
      this.#watchers.delete(watcher)
      watcher.onJump(
        new TransportError('BATON_TIMEOUT', `Consul query: the clock jumped by ${formatDuration(driftMs)}`),
      )
    }
    if (this.#watchers.size > 0 && !this.#timer) this.#start()
  }
}

const watches = new WeakMap<Clock, JumpWatch>()

/**
 * Calls back once when the wall clock and the monotonic clock drift apart, because the machine slept or its clock was
 * set. After a sleep, sockets rarely work, and deadlines are late because the monotonic clock was stopped.
 */
export function watchForJump(clock: Clock, onJump: (error: TransportError) => void): Disposable {
  let watch = watches.get(clock)
  if (!watch) watches.set(clock, (watch = new JumpWatch(clock)))
  return watch.add(onJump)
}
