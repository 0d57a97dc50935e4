/** Maximum mean length of entries, as Consul lists them, that are read instead of being compared by their indexes. */
const shortEntry = 600
/** Length of an entry without its value. */
const bareEntry = 200

/** The mean length of the entries of a side. */
export class EntryLengths {
  #count = 0
  #valueBytes = 0
  /** Greatest mean length of the entries in a list of a part. */
  #mostListed = 0

  /** True if reading the entries of a leaf takes less time than comparing their indexes. */
  get areShort(): boolean {
    // A list contains values in base64.
    const mean = bareEntry + (this.#valueBytes * 4) / 3 / Math.max(1, this.#count)
    return Math.max(mean, this.#mostListed) <= shortEntry
  }

  /** Forgets all lengths. */
  clear(): void {
    this.#count = 0
    this.#valueBytes = 0
    this.#mostListed = 0
  }

  /** Adds an entry, by the length of its value. */
  add(valueBytes: number): void {
    this.#count += 1
    this.#valueBytes += valueBytes
  }

  /** Records the length of a list of a part. */
  addList(count: number, bytes: number): void {
    this.#mostListed = Math.max(this.#mostListed, bytes / Math.max(1, count))
  }
}
