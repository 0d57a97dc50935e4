import type {Drift} from '../plan/plan.js'
import type {DriftRule} from '../types.js'

/**
 * Knows which version of the source each key of the destination had when both were last equal. So a difference of a key
 * that the source has not changed since is a change of another client at the destination.
 */
export class DriftBook implements Drift {
  readonly #rule: Exclude<DriftRule, 'repair'>
  readonly #known = new Map<string, bigint>()
  /** Keys to leave alone until both sides are equal. */
  readonly #kept = new Set<string>()
  /** The status key says that everything up to this index was copied. */
  #position: bigint | undefined
  #isFirst = true

  constructor(rule: Exclude<DriftRule, 'repair'>) {
    this.#rule = rule
  }

  /** What an earlier run has copied. It holds for keys that were not compared yet. */
  startAt(position: bigint | undefined): void {
    this.#position = position
  }

  /** A pass of all keys is about to be planned. A position beyond the source's index is that of another store. */
  look(sourceIndex: bigint): void {
    if (this.#position !== undefined && this.#position > sourceIndex) this.#position = undefined
  }

  /** A pass of all keys was complete. */
  looked(): void {
    this.#isFirst = false
  }

  equal(key: string, sourceIndex: bigint): void {
    this.#known.set(key, sourceIndex)
    this.#kept.delete(key)
  }

  deleted(key: string): void {
    this.#known.delete(key)
    this.#kept.delete(key)
  }

  /** Another client has changed the key between the look at it and our write. */
  conflicted(key: string): void {
    if (this.#rule === 'protect') this.#kept.add(key)
  }

  isDrift(key: string, sourceIndex: bigint | undefined): boolean {
    if (this.#kept.has(key)) return true
    const isDrift = sourceIndex === undefined ? this.#isForeign(key) : this.#isUnchanged(key, sourceIndex)
    if (isDrift && this.#rule === 'protect') this.#kept.add(key)
    return isDrift
  }

  /** True for a key that was not there when the source had it. At the start this is not known. */
  #isForeign(key: string): boolean {
    if (this.#known.has(key)) return false
    return this.#rule === 'protect' || !this.#isFirst
  }

  #isUnchanged(key: string, sourceIndex: bigint): boolean {
    const known = this.#known.get(key)
    if (known !== undefined) return known === sourceIndex
    return this.#position !== undefined && sourceIndex <= this.#position
  }
}
