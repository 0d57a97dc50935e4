/** Queries of a replicator that wait at an agent at the same time: a third of what it accepts of one address. */
const placesOfAgent = 64
/** Mappings that are added while others have their places may use more. */
const mostOfAgent = 128
/** With fewer places it is not worth while to follow a mapping in parts. */
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
  readonly #ownCount: number
  #mappingCount = 0
  #takenCount = 0
  #inPartsCount = 0

  /** @param ownCount How many queries a mapping has at one agent that is followed by whole lists. */
  constructor(ownCount: number) {
    this.#ownCount = ownCount
  }

  /** How many mappings there are from now on. */
  share(mappingCount: number): void {
    this.#mappingCount = mappingCount
  }

  /** Undefined if there are none left. */
  take(): Places | undefined {
    const count = Math.min(this.#fairCount(), this.#leftCount())
    if (count < leastPlaces) return undefined
    this.#inPartsCount += 1
    this.#takenCount += count
    let isTaken = true
    return {
      count,
      [Symbol.dispose]: () => {
        if (!isTaken) return
        isTaken = false
        this.#inPartsCount -= 1
        this.#takenCount -= count
      },
    }
  }

  #fairCount(): number {
    const left = Math.max(0, placesOfAgent - this.#mappingCount * this.#ownCount)
    const inParts = Math.min(this.#mappingCount, Math.floor(left / (leastPlaces - this.#ownCount)))
    return this.#inPartsCount >= inParts ? 0 : this.#ownCount + Math.floor(left / inParts)
  }

  #leftCount(): number {
    const others = this.#mappingCount - this.#inPartsCount - 1
    return mostOfAgent - this.#takenCount - others * this.#ownCount
  }
}
