/** At most so many resources in use at once; the one used last is used first. Whoever finds none free waits in line. */
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

  /** Rejects with the signal's reason when it aborts in line. */
  async take(signal: AbortSignal): Promise<Resource> {
    while (this.#closedWith === undefined && this.#busy.size >= this.#limit) await this.#wait(signal)
    if (this.#closedWith !== undefined) throw this.#closedWith
    const resource = this.#idle.pop() ?? this.#open()
    this.#busy.add(resource)
    return resource
  }

  /** A resource that is not reusable is the caller's to throw away. */
  give(resource: Resource, isReusable: boolean): void {
    this.#busy.delete(resource)
    if (isReusable && this.#closedWith === undefined) this.#idle.push(resource)
    this.#waiting.shift()?.()
  }

  /** Turns everybody away who waits or comes later. The result is every resource there is, for the caller to throw away. */
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
      signal.addEventListener('abort', leave, {once: true})
      this.#waiting.push(start)
    })
  }
}
