/** One run of a command under the lock. */
export interface Run {
  readonly who: string
  readonly token: bigint
  isOver: boolean
}

/** Checks that commands under one lock obey the lock's rules. */
export class Judge {
  readonly order: string[] = []
  readonly faults: string[] = []
  readonly #running = new Set<Run>()
  #newestToken = 0n

  start(who: string, token: bigint, nowMs: number): Run {
    const run: Run = {who, token, isOver: false}
    const others = [...this.#running].map(one => one.who)
    if (others.length > 0) this.faults.push(`${nowMs}: ${who} started while ${others.join(', ')} ran`)
    // Contenders that use `consul lock` have no token.
    if (token !== 0n && token <= this.#newestToken) {
      this.faults.push(`${nowMs}: ${who} has the token ${token}, after ${this.#newestToken}`)
    }
    if (token > this.#newestToken) this.#newestToken = token
    this.#running.add(run)
    this.order.push(who)
    return run
  }

  end(run: Run): void {
    run.isOver = true
    this.#running.delete(run)
  }
}
