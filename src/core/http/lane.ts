import {listenForAbort} from '../cancel/listen-for-abort.js'

/**
 * Limits how many resources are in use at once. Hands out the most recently used resource first. Callers
 * queue if none is free.
 */
export class Lane<Resource> {
  readonly #limit: number
  readonly #open: () => Resource
  #idle: Resource[] = []
  #busy = new Set<Resource>()
  #waiting: (() => void)[] = []
  #closedWith: Error | undefined

  constructor(limit: number, open: () => Resource) {
    this.#limit = limit
    this.#open = open
  }

  /** Returns a resource; undefined if all are in use. */
  takeFree(): Resource | undefined {
    if (this.#closedWith !== undefined) throw this.#closedWith
    if (this.#busy.size >= this.#limit) return undefined
    const resource = this.#idle.pop() ?? this.#open()
    this.#busy.add(resource)
    return resource
  }

  /** Waits for a resource if all are in use. Rejects with the signal's reason if it aborts while the caller waits. */
  async take(signal: AbortSignal): Promise<Resource> {
    for (;;) {
      const resource = this.takeFree()
      if (resource !== undefined) return resource
      await this.#wait(signal)
    }
  }

  /** Ends the use of a resource. The caller must destroy a resource that is not reusable. */
  give(resource: Resource, isReusable: boolean): void {
    this.#busy.delete(resource)
    if (isReusable && this.#closedWith === undefined) this.#idle.push(resource)
    this.#waiting.shift()?.()
  }

  /** Rejects waiting and later calls of `take`. Returns all resources, which the caller must destroy. */
  close(error: Error): readonly Resource[] {
    this.#closedWith ??= error
    const all = [...this.#idle, ...this.#busy]
    this.#idle = []
    for (const start of this.#waiting.splice(0)) start()
    return all
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason)
        return
      }
      const leave = (): void => {
        this.#waiting = this.#waiting.filter(other => other !== start)
        reject(signal.reason)
      }
      const start = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      listenForAbort(signal, leave)
      this.#waiting.push(start)
    })
  }
}
