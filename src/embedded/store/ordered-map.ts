const bucketSize = 512

interface Bucket<V> {
  readonly keys: string[]
  readonly values: V[]
}

/** Returns the first position in a sorted list at which the key is not less than `key`. */
export function lowerBound(list: readonly string[], key: string): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * A map sorted by key, for byte strings: sorted buckets of sorted keys. Access to one key costs two short binary
 * searches. A prefix is read or removed in whole buckets, so that a hundred thousand keys take only a few milliseconds.
 */
export class OrderedMap<V> {
  /** Sorted buckets, none of which is empty. */
  #buckets: Bucket<V>[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: string): V | undefined {
    const bucket = this.#buckets[this.#bucketOf(key)]
    if (!bucket) return undefined
    const at = lowerBound(bucket.keys, key)
    return bucket.keys[at] === key ? bucket.values[at] : undefined
  }

  set(key: string, value: V): void {
    const at = this.#bucketOf(key)
    const bucket = this.#buckets[at]
    if (!bucket) {
      this.#buckets.push({keys: [key], values: [value]})
      this.#size += 1
      return
    }
    const offset = lowerBound(bucket.keys, key)
    if (bucket.keys[offset] === key) {
      bucket.values[offset] = value
      return
    }
    bucket.keys.splice(offset, 0, key)
    bucket.values.splice(offset, 0, value)
    this.#size += 1
    if (bucket.keys.length <= bucketSize) return
    const half = bucketSize >>> 1
    this.#buckets.splice(at + 1, 0, {keys: bucket.keys.splice(half), values: bucket.values.splice(half)})
  }

  delete(key: string): boolean {
    const at = this.#bucketOf(key)
    const bucket = this.#buckets[at]
    const offset = bucket ? lowerBound(bucket.keys, key) : 0
    if (bucket?.keys[offset] !== key) return false
    bucket.keys.splice(offset, 1)
    bucket.values.splice(offset, 1)
    if (bucket.keys.length === 0) this.#buckets.splice(at, 1)
    this.#size -= 1
    return true
  }

  clear(): void {
    this.#buckets = []
    this.#size = 0
  }

  /** Returns the values whose keys start with `prefix`, in order of their keys. */
  withPrefix(prefix: string): V[] {
    const found: V[] = []
    this.#eachRun(prefix, ({values}, from, to) => {
      for (let at = from; at < to; at += 1) found.push(values[at] as V)
    })
    return found
  }

  keysWithPrefix(prefix: string): string[] {
    const found: string[] = []
    this.#eachRun(prefix, ({keys}, from, to) => {
      for (let at = from; at < to; at += 1) found.push(keys[at] as string)
    })
    return found
  }

  /** Removes all keys that start with `prefix`. */
  deletePrefix(prefix: string): void {
    this.#eachRun(prefix, ({keys, values}, from, to) => {
      keys.splice(from, to - from)
      values.splice(from, to - from)
      this.#size -= to - from
    })
    this.#buckets = this.#buckets.filter(({keys}) => keys.length > 0)
  }

  /** Visits, in order, the part of each bucket whose keys start with a prefix. */
  #eachRun(prefix: string, visit: (bucket: Bucket<V>, from: number, to: number) => void): void {
    for (let at = this.#bucketOf(prefix); at < this.#buckets.length; at += 1) {
      const bucket = this.#buckets[at] as Bucket<V>
      const {keys} = bucket
      const from = lowerBound(keys, prefix)
      const to = keys.at(-1)?.startsWith(prefix) === true ? keys.length : endOf(keys, prefix, from)
      const beyond = to < keys.length
      if (to > from) visit(bucket, from, to)
      if (beyond) return
    }
  }

  /** Returns the index of the bucket that contains `key` or in which it belongs. */
  #bucketOf(key: string): number {
    let [low, high] = [0, this.#buckets.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#buckets[middle]?.keys[0] as string) <= key) low = middle
      else high = middle - 1
    }
    return low
  }
}

/**
 * Returns the first position after `from` at which the key does not start with `prefix`. Keys with the same prefix are
 * adjacent.
 */
function endOf(keys: readonly string[], prefix: string, from: number): number {
  let [low, high] = [from, keys.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] as string).startsWith(prefix)) low = middle + 1
    else high = middle
  }
  return low
}
