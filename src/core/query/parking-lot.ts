import type {Clock} from '../types.js'

export interface ParkingPlace extends Disposable {
  /**
   * Records that the client abandoned the parked request. The agent keeps the request until `untilMs`
   * regardless.
   */
  abandon(untilMs: number): void
}

const defaultPlaces = 64

/**
 * Counts the parked requests that one agent holds for this client, including abandoned ones: an abandoned request
 * occupies one of the agent's connections (200 for each client address by default) until its wait ends.
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

  /** Returns a place, or undefined if all places are taken. */
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
