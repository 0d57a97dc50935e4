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

/**
 * The states that a restarted server passes through once more while it applies its log: all states since the index last
 * went back.
 */
export class ModelHistory {
  #states: ModelState[] = []

  add(state: ModelState): void {
    this.#states.push(state)
    if (this.#states.length > mostStates) this.#states.shift()
  }

  /** Removes all states. */
  clear(): void {
    this.#states = []
  }

  /** Returns at most this many of the last states, oldest first. */
  last(count: number): ModelState[] {
    return this.#states.slice(-count)
  }
}

/** All states since the one that a reader showed last. A reader may skip states, but must not show an older one. */
export class ModelOrder {
  #since: string[] = []

  add(state: string): void {
    this.#since.push(state)
  }

  /** False if the state is older than the one shown last. */
  show(state: string): boolean {
    const at = this.#since.indexOf(state)
    if (at > 0) this.#since.splice(0, at)
    return at >= 0
  }
}
