/** Queries of replicators that wait at an agent at the same time: a third of what it accepts of one address. */
const placesOfAgent = 64
/** With fewer places a mapping is not worth to be followed in parts. */
const leastPlaces = 8

/** Places of one mapping. Disposing gives them back. */
export interface Places extends Disposable {
  readonly count: number
}

/**
 * Shares the queries that may wait at an agent among all mappings of a replicator. Each mapping has the places that it
 * needs to be followed by whole lists. What is left is divided equally, among as many mappings as it suffices for: those
 * that ask first.
 */
export class QueryPlaces {
  readonly #count: number
  #free: number

  /** @param ownCount How many queries a mapping has at one agent that is followed by whole lists. */
  constructor(mappingCount: number, ownCount: number) {
    const left = Math.max(0, placesOfAgent - mappingCount * ownCount)
    this.#free = Math.min(mappingCount, Math.floor(left / (leastPlaces - ownCount)))
    this.#count = this.#free === 0 ? 0 : ownCount + Math.floor(left / this.#free)
  }

  /** Undefined if there are none left. */
  take(): Places | undefined {
    if (this.#free === 0) return undefined
    this.#free -= 1
    let isTaken = true
    return {
      count: this.#count,
      [Symbol.dispose]: () => {
        if (isTaken) this.#free += 1
        isTaken = false
      },
    }
  }
}
