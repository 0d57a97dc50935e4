/**
 * Maximum number of query slots: blocking queries of a replicator that wait at an agent at the same time. An agent
 * accepts 200 connections from one address, and counts those of a killed process until the wait times of its queries
 * have ended. These connections suffice for four processes that follow each other quickly.
 */
const placesOfAgent = 40
/** Maximum number of query slots if mappings are added while other mappings hold theirs. */
const mostOfAgent = 80
/** Minimum number of query slots with which a mapping is followed in parts. */
const leastPlaces = 6

/** The query slots of one mapping, which is followed in parts. Disposing makes them available to other mappings. */
export interface Places extends Disposable {
  readonly count: number
}

/**
 * Divides the query slots (blocking queries that may wait at an agent) among all mappings of a replicator. Each mapping
 * has the slots that it needs to be followed by whole lists. The remaining slots are divided equally among as many
 * mappings as possible, first come, first served.
 */
export class QueryPlaces {
  readonly #ownCount: number
  #mappingCount = 0
  #takenCount = 0
  #inPartsCount = 0

  /** @param ownCount Number of queries that a mapping needs at one agent if it is followed by whole lists. */
  constructor(ownCount: number) {
    this.#ownCount = ownCount
  }

  /** Sets the number of mappings. */
  share(mappingCount: number): void {
    this.#mappingCount = mappingCount
  }

  /** Takes the query slots for following one more mapping in parts. Returns undefined if too few are left. */
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
