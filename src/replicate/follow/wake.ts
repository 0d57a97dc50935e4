import {linkSignal} from '../../core/cancel/link-signal.js'
import type {Clock} from '../../core/types.js'

interface TimedWait {
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** A flag that somebody waits for. Setting it twice is one wake. */
export class Wake {
  #isSet = false
  #release: () => void = () => {}

  get isSet(): boolean {
    return this.#isSet
  }

  set(): void {
    this.#isSet = true
    this.#release()
  }

  clear(): void {
    this.#isSet = false
  }

  /** Resolves at once when set, and clears. Rejects with the signal's reason. */
  async wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!this.#isSet) {
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => reject(signal.reason)
        signal.addEventListener('abort', onAbort, {once: true})
        this.#release = () => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        }
      })
    }
    this.#isSet = false
  }

  /** True when it was set in time. */
  async waitAtMost(ms: number, {clock, signal}: TimedWait): Promise<boolean> {
    const timeout = Symbol('timeout')
    using link = linkSignal(signal, {clock, timeoutMs: ms, onTimeout: () => timeout})
    try {
      await this.wait(link.signal)
      return true
    } catch (error) {
      if (error !== timeout) throw error
      return false
    }
  }

  /** Waits until nothing was set for `minMs`, at most `maxMs` in all. */
  async settle(options: TimedWait & {readonly minMs: number; readonly maxMs: number}): Promise<void> {
    const {clock, minMs, maxMs} = options
    const endMs = clock.monotonicMs() + maxMs
    for (;;) {
      const leftMs = endMs - clock.monotonicMs()
      if (leftMs <= 0 || !(await this.waitAtMost(Math.min(minMs, leftMs), options))) return
    }
  }
}
