import type {BootTime} from '../core/time/boot-time.js'
import type {Clock, Timer} from '../core/types.js'

/**
 * Longest interval between two checks of the boot time. Timers stop while the machine is suspended, but
 * deadlines do not.
 */
const tickMs = 1000

export interface AlarmOptions {
  readonly clock: Clock
  readonly now: BootTime
  readonly ring: () => void
}

/**
 * Calls back once when the boot time reaches a given value. Setting the alarm again replaces the value; disposing
 * cancels the alarm.
 */
export class Alarm implements Disposable {
  readonly #options: AlarmOptions
  #timer: Timer | undefined
  #atMs = Number.POSITIVE_INFINITY

  constructor(options: AlarmOptions) {
    this.#options = options
  }

  set(atMs: number): void {
    this.#atMs = atMs
    this.#arm()
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  #arm(): void {
    this[Symbol.dispose]()
    if (this.#atMs === Number.POSITIVE_INFINITY) return
    const leftMs = this.#atMs - this.#options.now()
    if (leftMs <= 0) {
      this.#atMs = Number.POSITIVE_INFINITY
      this.#options.ring()
      return
    }
    this.#timer = this.#options.clock.timer(Math.min(leftMs, tickMs), () => this.#arm())
  }
}

/**
 * Sleeps until the boot time reaches `atMs`. Rejects with the signal's reason if the signal aborts or is
 * already aborted, even if `atMs` has passed.
 */
export async function sleepUntil(
  atMs: number,
  options: {readonly clock: Clock; readonly now: BootTime; readonly signal: AbortSignal},
): Promise<void> {
  options.signal.throwIfAborted()
  for (let leftMs = atMs - options.now(); leftMs > 0; leftMs = atMs - options.now()) {
    await options.clock.sleep(Math.min(leftMs, tickMs), options.signal)
  }
}
