import type {Batch} from './batch.js'
import {OrderedMap} from './ordered-map.js'

/** One stored key. Rows are immutable, so a list does not change while it is being sent. */
export interface KvRow {
  /** The key, as a byte string. */
  readonly key: string
  readonly value: Buffer
  readonly flags: bigint
  /** ID of the session that holds the key; empty if none does. */
  readonly session: string
  readonly lockIndex: bigint
  readonly createIndex: bigint
  readonly modifyIndex: bigint
}

/** The data of a write. */
export interface KvWrite {
  readonly key: string
  readonly value: Buffer
  readonly flags: bigint
}

interface Tombstone {
  readonly index: bigint
  readonly bornMs: number
}

const maxOf = (a: bigint, b: bigint): bigint => (a > b ? a : b)

function commonPrefix(a: string, b: string): string {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return a.slice(0, length)
}

export interface KvList {
  readonly rows: readonly KvRow[]
  readonly index: bigint
}

/** Minimum length of a list that is cached. Shorter lists are built again for each reader. */
const worthKeeping = 100

/** The key-value table with its tombstones. */
export class KvTable {
  readonly #rows = new OrderedMap<KvRow>()
  readonly #tombstones = new OrderedMap<Tombstone>()
  /** Long lists that were read since the last change. All watchers of a prefix share one list. */
  readonly #lists = new Map<string, KvList>()
  readonly #held = new Map<string, Set<string>>()
  readonly #nowMs: () => number
  /** Index of the last change of the table; 0 if there was none. */
  #tableIndex = 0n

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get tableIndex(): bigint {
    return this.#tableIndex
  }

  get size(): number {
    return this.#rows.size
  }

  get tombstoneCount(): number {
    return this.#tombstones.size
  }

  get = (key: string): KvRow | undefined => this.#rows.get(key)

  heldBy = (session: string): readonly string[] => [...(this.#held.get(session) ?? [])]

  /** Returns the rows below a prefix, and the index that a read of the prefix reports. */
  list(prefix: string): KvList {
    const known = this.#lists.get(prefix)
    if (known) return known
    const list = this.#read(prefix)
    if (list.rows.length >= worthKeeping) this.#lists.set(prefix, list)
    return list
  }

  #read(prefix: string): KvList {
    const rows = this.#rows.withPrefix(prefix)
    if (prefix === '') return {rows, index: this.#tableIndex}
    let index = 0n
    for (const row of rows) index = maxOf(index, row.modifyIndex)
    for (const tombstone of this.#tombstones.withPrefix(prefix)) index = maxOf(index, tombstone.index)
    return {rows, index: index === 0n ? this.#tableIndex : index}
  }

  /** Writes a key without a condition. The session that holds the key stays the same, and LockIndex becomes 0. */
  put(batch: Batch, write: KvWrite): KvRow {
    return this.#store(batch, write, {session: this.get(write.key)?.session ?? '', lockIndex: 0n})
  }

  /**
   * Writes a key if its ModifyIndex is `index`; 0 means that the key must not exist. Returns undefined if the key has
   * another ModifyIndex.
   */
  cas(batch: Batch, write: KvWrite, index: bigint): KvRow | undefined {
    return (this.get(write.key)?.modifyIndex ?? 0n) === index ? this.put(batch, write) : undefined
  }

  /** Locks a key for a session, which must exist. Returns undefined if another session holds the key. */
  lock(batch: Batch, write: KvWrite, session: string): KvRow | undefined {
    const known = this.get(write.key)
    if (known && known.session !== '' && known.session !== session) return undefined
    const lockIndex = known?.session === session ? known.lockIndex : (known?.lockIndex ?? 0n) + 1n
    return this.#store(batch, write, {session, lockIndex})
  }

  /** Unlocks a key. Returns undefined if `session` does not hold it. */
  unlock(batch: Batch, write: KvWrite, session: string): KvRow | undefined {
    const known = this.get(write.key)
    if (!known || known.session !== session) return undefined
    return this.#store(batch, write, {session: '', lockIndex: known.lockIndex})
  }

  delete(batch: Batch, key: string): void {
    if (!this.get(key)) return
    this.#remove(batch, key)
    this.#bury(batch, key)
    this.#changed(batch)
  }

  /**
   * Deletes a key if its ModifyIndex is `index`. Returns false if the key has another ModifyIndex, and true if the key
   * does not exist.
   */
  deleteCas(batch: Batch, key: string, index: bigint): boolean {
    const known = this.get(key)
    if (known && known.modifyIndex !== index) return false
    this.delete(batch, key)
    return true
  }

  deleteTree(batch: Batch, prefix: string): void {
    const rows = this.#rows.withPrefix(prefix)
    if (rows.length === 0) return
    const keys = rows.map(row => row.key)
    for (const row of rows) if (row.session !== '') this.#letGo(row.key, row.session)
    this.#rows.deletePrefix(prefix)
    batch.undo(() => {
      for (const row of rows) this.#place(row)
    })
    batch.touchRun(keys)
    if (prefix !== '') {
      for (const grave of this.#gravesOfTree(prefix, keys)) this.#bury(batch, grave)
    }
    this.#changed(batch)
  }

  /** Releases or deletes all keys of a session. Returns their names. */
  dropHolder(batch: Batch, session: string, behavior: 'release' | 'delete'): readonly string[] {
    const keys = this.heldBy(session)
    for (const key of keys) {
      const row = this.get(key)
      if (!row) continue
      if (behavior === 'delete') this.delete(batch, key)
      else this.#store(batch, row, {session: '', lockIndex: row.lockIndex})
    }
    return keys
  }

  /** Removes tombstones that are older than `ageMs`. */
  reap(ageMs: number): void {
    const limit = this.#nowMs() - ageMs
    this.#lists.clear()
    for (const key of this.#tombstones.keysWithPrefix('')) {
      if ((this.#tombstones.get(key)?.bornMs ?? limit) < limit) this.#tombstones.delete(key)
    }
  }

  /** Replaces the whole table with that of a snapshot. */
  replace(rows: Iterable<KvRow>, tableIndex: bigint): void {
    this.#rows.clear()
    this.#tombstones.clear()
    this.#held.clear()
    this.#lists.clear()
    for (const row of rows) {
      this.#rows.set(row.key, row)
      if (row.session !== '') this.#hold(row.key, row.session)
    }
    this.#tableIndex = tableIndex
  }

  /**
   * Returns the prefixes that get a tombstone. A recursive delete leaves a tombstone at its own prefix. Each longer
   * prefix that an older tombstone shares with an adjacent deleted key also gets one, because a read of that prefix
   * would otherwise report a lower index and not wake its watcher.
   */
  #gravesOfTree(prefix: string, deleted: readonly string[]): Set<string> {
    const graves = new Set([prefix])
    let at = 0
    for (const old of this.#tombstones.keysWithPrefix(prefix)) {
      while (at < deleted.length && (deleted[at] as string) < old) at += 1
      for (const neighbour of [deleted[at - 1], deleted[at]]) {
        if (neighbour !== undefined) graves.add(commonPrefix(old, neighbour))
      }
    }
    return graves
  }

  #store(batch: Batch, write: KvWrite, lock: {readonly session: string; readonly lockIndex: bigint}): KvRow {
    const known = this.get(write.key)
    const same =
      known?.session === lock.session &&
      known.lockIndex === lock.lockIndex &&
      known.flags === write.flags &&
      known.value.equals(write.value)
    if (same) return known
    const row: KvRow = {
      key: write.key,
      value: write.value,
      flags: write.flags,
      session: lock.session,
      lockIndex: lock.lockIndex,
      createIndex: known?.createIndex ?? batch.index,
      modifyIndex: batch.index,
    }
    this.#place(row)
    batch.undo(() => (known ? this.#place(known) : this.#displace(row.key)))
    batch.touchKey(row.key)
    this.#changed(batch)
    return row
  }

  #remove(batch: Batch, key: string): void {
    const row = this.get(key) as KvRow
    this.#displace(key)
    batch.undo(() => this.#place(row))
    batch.touchKey(key)
  }

  #bury(batch: Batch, key: string): void {
    const before = this.#tombstones.get(key)
    this.#tombstones.set(key, {index: batch.index, bornMs: this.#nowMs()})
    batch.undo(() => (before ? this.#tombstones.set(key, before) : this.#tombstones.delete(key)))
  }

  #changed(batch: Batch): void {
    const before = this.#tableIndex
    this.#tableIndex = batch.index
    this.#lists.clear()
    batch.undo(() => {
      this.#tableIndex = before
      this.#lists.clear()
    })
  }

  #place(row: KvRow): void {
    const before = this.get(row.key)?.session
    if (before !== undefined && before !== row.session) this.#letGo(row.key, before)
    this.#rows.set(row.key, row)
    if (row.session !== '') this.#hold(row.key, row.session)
  }

  #displace(key: string): void {
    const row = this.get(key)
    if (row) this.#letGo(key, row.session)
    this.#rows.delete(key)
  }

  #hold(key: string, session: string): void {
    const keys = this.#held.get(session)
    if (keys) keys.add(key)
    else this.#held.set(session, new Set([key]))
  }

  #letGo(key: string, session: string): void {
    const keys = this.#held.get(session)
    if (keys?.delete(key) && keys.size === 0) this.#held.delete(session)
  }
}
