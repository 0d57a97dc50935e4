import {lowerBound} from './ordered-map.js'

/** The topics for which a blocking query waits. KV keys and prefixes are byte strings. */
export interface WatchList {
  readonly keys?: readonly string[]
  readonly prefixes?: readonly string[]
  readonly topics?: readonly string[]
}

export type WakeCause = 'changed' | 'abandoned'
/** The rows that a command changed. */
export interface Touched {
  readonly touchedKeys: ReadonlySet<string>
  /** For each recursive delete, the deleted keys in order. */
  readonly touchedRuns: readonly (readonly string[])[]
  readonly touched: ReadonlySet<string>
}

type Waiter = (cause: WakeCause) => void

class Shelf {
  readonly #waiters = new Map<string, Set<Waiter>>()

  add(name: string, waiter: Waiter): void {
    const set = this.#waiters.get(name)
    if (set) set.add(waiter)
    else this.#waiters.set(name, new Set([waiter]))
  }

  /** Removes a watcher. Returns true if it was the last watcher of `name`. */
  remove(name: string, waiter: Waiter): boolean {
    const set = this.#waiters.get(name)
    if (!set?.delete(waiter) || set.size > 0) return false
    this.#waiters.delete(name)
    return true
  }

  names = (): IterableIterator<string> => this.#waiters.keys()

  has = (name: string): boolean => this.#waiters.has(name)

  collect(name: string, into: Set<Waiter>): void {
    for (const waiter of this.#waiters.get(name) ?? []) into.add(waiter)
  }

  collectAll(into: Set<Waiter>): void {
    for (const set of this.#waiters.values()) for (const waiter of set) into.add(waiter)
  }
}

/**
 * The waiting queries, by topic. A write looks its watchers up by its key, and by its key cut to the length of each
 * watched prefix, so the cost of a write does not depend on the number of other watchers.
 */
export class Watches {
  /** Number of blocking queries that were woken since the start. */
  wakeUps = 0
  readonly #keys = new Shelf()
  readonly #prefixes = new Shelf()
  readonly #topics = new Shelf()
  /** Number of distinct watched prefixes of each length. */
  readonly #lengths = new Map<number, number>()
  #parked = 0

  get parked(): number {
    return this.#parked
  }

  /**
   * Calls `wake` when one of the topics changes, but at most once. The returned function cancels the wait, and may be
   * called at any time.
   */
  watch(list: WatchList, wake: (cause: WakeCause) => void): () => void {
    let live = true
    const waiter = (cause: WakeCause): void => {
      release()
      wake(cause)
    }
    const release = (): void => {
      if (!live) return
      live = false
      this.#parked -= 1
      for (const key of list.keys ?? []) this.#keys.remove(key, waiter)
      for (const topic of list.topics ?? []) this.#topics.remove(topic, waiter)
      for (const prefix of list.prefixes ?? []) this.#dropPrefix(prefix, waiter)
    }
    this.#parked += 1
    for (const key of list.keys ?? []) this.#keys.add(key, waiter)
    for (const topic of list.topics ?? []) this.#topics.add(topic, waiter)
    for (const prefix of list.prefixes ?? []) this.#addPrefix(prefix, waiter)
    return release
  }

  /** Wakes the blocking queries that read what a write to the store has touched. */
  wake({touchedKeys, touchedRuns, touched}: Touched): void {
    const woken = new Set<Waiter>()
    for (const key of touchedKeys) {
      this.#keys.collect(key, woken)
      for (const length of this.#lengths.keys()) {
        if (length <= key.length) this.#prefixes.collect(key.slice(0, length), woken)
      }
    }
    for (const run of touchedRuns) this.#collectRun(run, woken)
    for (const topic of touched) this.#topics.collect(topic, woken)
    this.#run(woken, 'changed')
  }

  /** Wakes every query, because a snapshot was restored. Each query answers with the new state. */
  wakeAll(): void {
    const woken = new Set<Waiter>()
    for (const shelf of [this.#keys, this.#prefixes, this.#topics]) shelf.collectAll(woken)
    this.#run(woken, 'abandoned')
  }

  /**
   * Finds the watchers of a sorted list of keys. For a long list, one binary search per watched key or prefix is
   * cheaper than a look-up per key of the list.
   */
  #collectRun(run: readonly string[], woken: Set<Waiter>): void {
    for (const key of this.#keys.names()) {
      if (run[lowerBound(run, key)] === key) this.#keys.collect(key, woken)
    }
    for (const prefix of this.#prefixes.names()) {
      if (run[lowerBound(run, prefix)]?.startsWith(prefix) === true) this.#prefixes.collect(prefix, woken)
    }
  }

  #run(woken: ReadonlySet<Waiter>, cause: WakeCause): void {
    this.wakeUps += woken.size
    for (const waiter of woken) waiter(cause)
  }

  #addPrefix(prefix: string, waiter: Waiter): void {
    if (!this.#prefixes.has(prefix)) this.#lengths.set(prefix.length, (this.#lengths.get(prefix.length) ?? 0) + 1)
    this.#prefixes.add(prefix, waiter)
  }

  #dropPrefix(prefix: string, waiter: Waiter): void {
    if (!this.#prefixes.remove(prefix, waiter)) return
    const left = (this.#lengths.get(prefix.length) ?? 1) - 1
    if (left === 0) this.#lengths.delete(prefix.length)
    else this.#lengths.set(prefix.length, left)
  }
}
