import type {Clock} from '../types.js'

export interface ParkingPlace extends Disposable {
  /** Records that the client has abandoned its blocking query. The agent keeps the query until `untilMs` regardless. */
  abandon(untilMs: number): void
}

const defaultPlaces = 64

/**
 * Limits the blocking queries of this client at one agent. Abandoned queries count, too: each occupies one of the
 * agent's connections (200 for each client address by default) until its wait time ends.
 */
export class ParkingLot {
  readonly #clock: Clock
  readonly #places: number
  #taken = 0
  #abandonedUntilMs: number[] = []

  constructor(clock: Clock, places = defaultPlaces) {
    this.#clock = clock
    this.#places = places
  }

  /** Counts one more blocking query. Returns undefined if the limit is reached. */
  take(): ParkingPlace | undefined {
    const nowMs = this.#clock.monotonicMs()
    this.#abandonedUntilMs = this.#abandonedUntilMs.filter(untilMs => untilMs > nowMs)
    if (this.#taken + this.#abandonedUntilMs.length >= this.#places) return undefined
    this.#taken += 1
    let isTaken = true
    const leave = (): void => {
      if (isTaken) this.#taken -= 1
      isTaken = false
    }
    return {
      abandon: untilMs => {
        if (isTaken) this.#abandonedUntilMs.push(untilMs)
        leave()
      },
      [Symbol.dispose]: leave,
    }
  }
}
