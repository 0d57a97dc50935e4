import {addAbortListener} from '../cancel/abort-listeners.js'
import type {Clock, Timer} from '../types.js'

/**
 * Lets callers wait until another caller wakes them. If `wake` is called while no caller waits, the next wait resolves at
 * once.
 */
export class Wake {
  #isPending = false
  /** Undefined while no caller waits, to save memory: each reader of a view has a Wake. */
  #waiting: readonly (() => void)[] | undefined

  /**
   * Wakes all waiting callers. If no caller waits, only the next wait resolves at once, however often `wake` was called.
   */
  wake(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#isPending = waiting === undefined
    for (const resume of waiting ?? []) resume()
  }

  /** Forgets a call of `wake` that was made while no caller waited, so that the next wait does not resolve at once. */
  clear(): void {
    this.#isPending = false
  }

  /** Resolves at the next wake. Rejects with the signal's reason if the signal aborts first. */
  async wait(signal?: AbortSignal): Promise<void> {
    await this.#wait(signal)
  }

  /**
   * Resolves with true if woken within `ms`, otherwise with false. Rejects with the signal's reason if it aborts first.
   */
  waitAtMost(ms: number, {clock, signal}: {readonly clock: Clock; readonly signal?: AbortSignal}): Promise<boolean> {
    return this.#wait(signal, giveUp => clock.timer(ms, giveUp))
  }

  /** Resolves with true at the next wake, or with false when the timer that `startTimer` returns calls its argument. */
  #wait(signal: AbortSignal | undefined, startTimer?: (giveUp: () => void) => Timer): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      if (this.#isPending) {
        this.#isPending = false
        resolve(true)
        return
      }
      const leave = (): void => {
        timer?.[Symbol.dispose]()
        forget?.()
      }
      const resume = (): void => {
        leave()
        resolve(true)
      }
      const timer = startTimer?.(() => {
        leave()
        this.#remove(resume)
        resolve(false)
      })
      const forget =
        signal &&
        addAbortListener(signal, () => {
          leave()
          this.#remove(resume)
          reject(signal.reason)
        })
      this.#waiting = this.#waiting ? [...this.#waiting, resume] : [resume]
    })
  }

  #remove(resume: () => void): void {
    const others = this.#waiting?.filter(other => other !== resume)
    this.#waiting = others?.length === 0 ? undefined : others
  }
}
