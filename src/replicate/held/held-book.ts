import {messageOf} from '../../core/errors.js'
import {Wake} from '../../core/time/wake.js'
import type {CompleteOptions} from '../complete-options.js'
import {heldIdSteps} from '../plan/held.js'
import {forEachStep, runSteps} from '../steps.js'
import type {Mapping} from '../types.js'
import {digestSteps, type HeldKeys, type HeldSet, type SetReason} from './held-set.js'
import {readHeads, readSet, removeSet, writeSet} from './held-store.js'
import {type MappingPaths, mappingPaths} from './paths.js'

/** The deletes of a plan, grouped by the stored sets of held-back deletes that contain them. */
export interface SplitDeletes {
  /** Stored sets that contain at least one delete of the plan, each with those deletes. */
  readonly sets: readonly {readonly set: HeldSet; readonly keys: readonly string[]}[]
  /** Deletes that are in none of the stored sets. */
  readonly fresh: readonly string[]
}

/**
 * Limits the number of sets for a source with many deletes: the more sets there are, the longer deletes are
 * collected for the next set.
 */
const gatherStepMs = 60_000
const mostGatherMs = 600_000

/** The sets of held-back deletes of one mapping, which are stored at the destination. */
export class HeldBook {
  readonly paths: MappingPaths
  /** Woken when a set that can be approved was stored. */
  readonly news = new Wake()
  readonly #options: CompleteOptions
  readonly #mapping: Mapping
  #sets: readonly HeldSet[] | undefined
  /** Keys that approved deletes have removed. A plan that was made from an older list would delete them again. */
  readonly #gone = new Map<string, bigint>()

  constructor(options: CompleteOptions, mapping: Mapping) {
    this.#options = options
    this.#mapping = mapping
    this.paths = mappingPaths(options.statusDir, mapping)
  }

  /** Records that an approved delete has removed the key. */
  note(key: string, index: bigint): void {
    this.#gone.set(key, index)
  }

  get hasSets(): boolean {
    return this.#sets !== undefined && this.#sets.length > 0
  }

  /** Reads the stored sets. */
  async load(signal: AbortSignal): Promise<readonly HeldSet[]> {
    const {destination} = this.#options
    const sets: HeldSet[] = []
    for (const kept of await readHeads(destination, this.paths.held, {signal})) {
      const set = isSame(kept.head.mapping, this.#mapping) ? await readSet(destination, kept, {signal}) : undefined
      if (set) sets.push(set)
    }
    this.#sets = sets
    return sets
  }

  /**
   * Groups deletes by the stored sets that contain them. A key that was written after its delete was held back no
   * longer belongs to a set.
   */
  async split(
    deletes: readonly string[],
    replica: ReadonlyMap<string, {readonly modifyIndex: bigint}>,
    signal: AbortSignal,
  ): Promise<SplitDeletes> {
    const sets = this.#sets ?? (await this.load(signal))
    if (sets.length + this.#gone.size === 0) return {sets: [], fresh: deletes}
    const parts = sets.map(set => ({set, keys: [] as string[]}))
    const fresh: string[] = []
    let goneCount = 0
    const sort = forEachStep(deletes, key => {
      const index = replica.get(key)?.modifyIndex
      if (index !== undefined && this.#gone.get(key) === index) {
        goneCount += 1
        return
      }
      const part = parts.find(({set}) => set.keys.get(key) === index && index !== undefined)
      ;(part?.keys ?? fresh).push(key)
    })
    await runSteps(sort, this.#options.clock, signal)
    if (goneCount === 0) this.#gone.clear()
    return {sets: parts.filter(({keys}) => keys.length > 0), fresh}
  }

  /** Removes all sets that are not in `wanted`, because none of their deletes is planned any more. */
  async keepOnly(wanted: ReadonlySet<HeldSet>, signal: AbortSignal): Promise<void> {
    for (const set of this.#sets ?? []) if (!wanted.has(set)) await this.remove(set.id, signal)
  }

  async remove(id: string, signal: AbortSignal): Promise<void> {
    await removeSet(this.#options.destination, this.paths.held, id, {signal})
    this.#sets = this.#sets?.filter(set => set.id !== id)
  }

  /**
   * Stores deletes as a new set. Resolves with false if the set cannot be stored, or if another set was created so
   * recently that deletes are still being collected. In both cases, the deletes are held back nevertheless.
   */
  async add(
    given: {readonly id: string; readonly keys: HeldKeys; readonly reason: SetReason; readonly why: string},
    signal: AbortSignal,
  ): Promise<boolean> {
    const {clock, destination, logger} = this.#options
    const nowMs = clock.wallMs()
    const sets = this.#sets ?? []
    const newestMs = Math.max(0, ...sets.map(({sinceMs}) => Math.min(sinceMs, nowMs)))
    if (nowMs < newestMs + Math.min(mostGatherMs, sets.length * gatherStepMs)) return false
    const digest = await runSteps(digestSteps(this.#mapping, given.keys), clock, signal)
    const set = {...given, digest, mapping: this.#mapping, sinceMs: nowMs}
    try {
      await writeSet(destination, this.paths.held, set, {signal})
    } catch (error) {
      if (signal.aborted) throw error
      logger.warn(
        {component: 'replicate', key: this.paths.held, problem: messageOf(error)},
        'held deletes not written down',
      )
      return false
    }
    this.#sets = [...sets.filter(({id}) => id !== set.id), set]
    this.news.wake()
    return true
  }

  idOf(keys: readonly string[], signal: AbortSignal): Promise<string> {
    return runSteps(heldIdSteps(this.#mapping, keys), this.#options.clock, signal)
  }
}

const isSame = (a: Mapping, b: Mapping): boolean =>
  a.source === b.source && a.datacenter === b.datacenter && a.destination === b.destination
