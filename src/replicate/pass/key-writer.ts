import {type BulkItem, isValued} from '../../core/bulk/pack.js'
import {sendBulk} from '../../core/bulk/send.js'
import {messageOf} from '../../core/errors.js'
import type {KvEntry} from '../../core/types.js'
import type {CompleteOptions} from '../complete-options.js'
import {formatMapping} from '../mapping.js'
import type {ReplicaEntry, SetChange} from '../plan/plan.js'
import {Quarantine} from '../plan/quarantine.js'
import {forEachStep, runSteps, type Steps} from '../steps.js'
import type {Mapping, Refused} from '../types.js'
import {deleted, overwritten, toDeletes, toReplica, toSets} from './changes.js'
import type {DriftBook} from './drift-book.js'
import type {Stops} from './sides.js'

/** The result of a series of writes. */
export interface WriteResult {
  /** Number of keys that were written or deleted. */
  readonly count: number
  /** Keys that the destination refused, either in this call or less than a minute ago. */
  readonly refused: readonly Refused[]
  /** Keys that another client has changed since they were read. */
  readonly changed: readonly string[]
  /** An error that does not concern a single key. Some of the keys may have been written. */
  readonly error: Error | undefined
}

type Replica = Map<string, ReplicaEntry>

/**
 * Writes and deletes keys of one mapping. Before it overwrites an entry, it keeps the entry for an undo. A
 * refused key is not written again for a minute.
 */
export class KeyWriter {
  readonly #options: CompleteOptions
  readonly #mapping: Mapping
  readonly #drift: DriftBook | undefined
  readonly #quarantine: Quarantine

  constructor(options: CompleteOptions, mapping: Mapping, drift: DriftBook | undefined) {
    this.#options = options
    this.#mapping = mapping
    this.#drift = drift
    this.#quarantine = new Quarantine(options.clock)
  }

  /** Writes keys, and updates `replica` to match. */
  async set(changes: readonly SetChange[], replica: Replica, stops: Stops): Promise<WriteResult> {
    const {go, resting} = await this.#split(changes, change => [change.key, change.entry.modifyIndex], stops)
    await this.#options.journal?.keep(this.#mapping, overwritten(go, replica))
    const items = toSets(go, this.#drift && replica)
    const result = await this.#send({items, count: go.length}, stops, ({operation, group = 0n}, entry) => {
      this.#options.observer({type: 'key.written', mapping: this.#mapping, key: operation.key})
      if (isValued(operation)) replica.set(operation.key, toReplica(operation, entry))
      this.#drift?.equal(operation.key, group)
    })
    this.#remember(result.refused, go)
    return {...result, refused: [...resting, ...result.refused]}
  }

  /** Deletes keys, and removes them from `replica`. */
  async delete(keys: readonly string[], replica: Replica, stops: Stops): Promise<WriteResult> {
    const {go, resting} = await this.#split(keys, key => [key, 'delete'], stops)
    await this.#options.journal?.keep(this.#mapping, deleted(go, replica))
    const items = toDeletes(go, this.#drift && replica)
    const result = await this.#send({items, count: go.length}, stops, ({operation}) => {
      this.#options.observer({type: 'key.deleted', mapping: this.#mapping, key: operation.key})
      replica.delete(operation.key)
      this.#drift?.deleted(operation.key)
    })
    for (const {key, reason} of result.refused) this.#quarantine.add(key, 'delete', reason)
    return {...result, refused: [...resting, ...result.refused]}
  }

  /**
   * Sends the transactions without retries. If an outcome is unknown, nothing is assumed: the next pass reads the keys.
   */
  async #send(
    {items, count: totalCount}: {readonly items: Iterable<BulkItem>; readonly count: number},
    {stop, kill}: Stops,
    onWritten: (item: BulkItem, entry: KvEntry | undefined) => void,
  ): Promise<WriteResult> {
    const {writer: client, limits, concurrency, observer} = this.#options
    let count = 0
    const refused: Refused[] = []
    const changed: string[] = []
    const failure = await sendBulk(items, {
      client,
      limits,
      concurrency,
      stop,
      kill,
      onCommitted: (committed, entries) => {
        for (const item of committed) onWritten(item, entries.get(item.operation.key))
        count += committed.length
        observer({type: 'pass.progressed', mapping: this.#mapping, doneCount: count, totalCount})
      },
      handleRefused: ({operation: {key}}, error) => {
        if (this.#drift && error.code === 'BATON_CAS_CONFLICT') {
          this.#drift.conflicted(key)
          changed.push(key)
        } else refused.push({key, reason: messageOf(error)})
        return 'continue'
      },
    })
    return {count, refused, changed, error: failure?.error}
  }

  /** Returns the keys that the destination has refused within the last minute. */
  refused(): readonly Refused[] {
    return this.#quarantine.list()
  }

  /** Separates changes that the destination has refused recently from those to send. */
  #split<T>(
    items: readonly T[],
    toCase: (item: T) => readonly [string, bigint | 'delete'],
    {kill}: Stops,
  ): Promise<{readonly go: readonly T[]; readonly resting: readonly Refused[]}> {
    return runSteps(this.#splitSteps(items, toCase), this.#options.clock, kill)
  }

  *#splitSteps<T>(
    items: readonly T[],
    toCase: (item: T) => readonly [string, bigint | 'delete'],
  ): Steps<{readonly go: readonly T[]; readonly resting: readonly Refused[]}> {
    const go: T[] = []
    const resting: Refused[] = []
    yield* forEachStep(items, item => {
      const known = this.#quarantine.find(...toCase(item))
      if (known) resting.push(known)
      else go.push(item)
    })
    return {go, resting}
  }

  #remember(refused: readonly Refused[], sets: readonly SetChange[]): void {
    if (refused.length === 0) return
    const names = new Set(refused.map(({key}) => key))
    const versions = new Map(sets.filter(({key}) => names.has(key)).map(({key, entry}) => [key, entry.modifyIndex]))
    for (const {key, reason} of refused) {
      this.#quarantine.add(key, versions.get(key) ?? 0n, reason)
      this.#options.logger.info(
        {component: 'replicate', mapping: formatMapping(this.#mapping), key, reason},
        'key refused',
      )
    }
  }
}
