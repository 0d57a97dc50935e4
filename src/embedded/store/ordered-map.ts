const bucketSize = 512

/** First position in a sorted list whose key is not below `key`. */
function lowerBound(list: readonly string[], key: string): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * A map sorted by key, for byte strings. Reads and writes of one key cost a hash look-up and two short binary searches;
 * reading a prefix costs what lies below it.
 */
export class OrderedMap<V> {
  readonly #values = new Map<string, V>()
  /** Sorted buckets of sorted keys, none of them empty. */
  #buckets: string[][] = []

  get size(): number {
    return this.#values.size
  }

  get = (key: string): V | undefined => this.#values.get(key)

  set(key: string, value: V): void {
    const known = this.#values.has(key)
    this.#values.set(key, value)
    if (known) return
    const at = this.#bucketOf(key)
    const bucket = this.#buckets[at]
    if (bucket === undefined) {
      this.#buckets.push([key])
      return
    }
    bucket.splice(lowerBound(bucket, key), 0, key)
    if (bucket.length > bucketSize) this.#buckets.splice(at + 1, 0, bucket.splice(bucketSize >>> 1))
  }

  delete(key: string): boolean {
    if (!this.#values.delete(key)) return false
    const at = this.#bucketOf(key)
    const bucket = this.#buckets[at] as string[]
    bucket.splice(lowerBound(bucket, key), 1)
    if (bucket.length === 0) this.#buckets.splice(at, 1)
    return true
  }

  clear(): void {
    this.#values.clear()
    this.#buckets = []
  }

  /** The values whose keys start with `prefix`, in order of their keys. */
  withPrefix(prefix: string): V[] {
    const found: V[] = []
    for (const key of this.keysFrom(prefix)) {
      if (!key.startsWith(prefix)) break
      found.push(this.#values.get(key) as V)
    }
    return found
  }

  /** All keys from `start` on, in order. The map must not change meanwhile. */
  *keysFrom(start: string): Generator<string, void, undefined> {
    let at = this.#bucketOf(start)
    let offset = lowerBound(this.#buckets[at] ?? [], start)
    for (; at < this.#buckets.length; at += 1, offset = 0) {
      const bucket = this.#buckets[at] as string[]
      for (; offset < bucket.length; offset += 1) yield bucket[offset] as string
    }
  }

  /** The bucket that holds `key`, or would. */
  #bucketOf(key: string): number {
    let [low, high] = [0, this.#buckets.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#buckets[middle]?.[0] as string) <= key) low = middle
      else high = middle - 1
    }
    return low
  }
}
