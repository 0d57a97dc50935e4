export interface ModelKey {
  readonly value: string
  readonly createIndex: number
  readonly modifyIndex: number
}

export interface ModelState {
  readonly keys: ReadonlyMap<string, ModelKey>
  readonly listIndex: number
}

const mostStates = 100

/** The states that a server goes through again when it applies its log: all since the last that went back. */
export class ModelHistory {
  #states: ModelState[] = []

  add(state: ModelState): void {
    this.#states.push(state)
    if (this.#states.length > mostStates) this.#states.shift()
  }

  /** Nothing from before is in the log any more. */
  clear(): void {
    this.#states = []
  }

  /** The last states, at most so many, oldest first. */
  last(count: number): ModelState[] {
    return this.#states.slice(-count)
  }
}

/** All states since the one that was shown last: a reader may leave out any number of them, but never goes back. */
export class ModelOrder {
  #since: string[] = []

  add(state: string): void {
    this.#since.push(state)
  }

  /** False when this was over before. */
  show(state: string): boolean {
    const at = this.#since.indexOf(state)
    if (at > 0) this.#since.splice(0, at)
    return at >= 0
  }
}
