import {linkSignal} from '../cancel/link-signal.js'
import {listenForAbort} from '../cancel/listen-for-abort.js'
import type {Clock} from '../types.js'

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
  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) reject(signal.reason)
      else if (this.#isPending) {
        this.#isPending = false
        resolve()
      } else this.#add(signal ? this.#abortable(signal, resolve, reject) : resolve)
    })
  }

  #add(resume: () => void): void {
    this.#waiting = this.#waiting ? [...this.#waiting, resume] : [resume]
  }

  #abortable(signal: AbortSignal, resolve: () => void, reject: (reason: unknown) => void): () => void {
    const onAbort = (): void => {
      const others = this.#waiting?.filter(other => other !== resume)
      this.#waiting = others?.length === 0 ? undefined : others
      reject(signal.reason)
    }
    const resume = (): void => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }
    listenForAbort(signal, onAbort)
    return resume
  }

  /**
   * Resolves with true if woken within `ms`, otherwise with false. Rejects with the signal's reason if it aborts first.
   */
  async waitAtMost(ms: number, options: {readonly clock: Clock; readonly signal?: AbortSignal}): Promise<boolean> {
    const timeout = Symbol('timeout')
    const link = linkSignal(options.signal, {clock: options.clock, timeoutMs: ms, onTimeout: () => timeout})
    try {
      await this.wait(link.signal)
      return true
    } catch (error) {
      if (error !== timeout) throw error
      return false
    } finally {
      link[Symbol.dispose]()
    }
  }
}
