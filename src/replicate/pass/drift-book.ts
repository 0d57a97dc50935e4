import type {Drift} from '../plan/plan.js'
import type {DriftRule} from '../types.js'

/**
 * Remembers for each key which version of the source the destination had when the two were last equal. If the source
 * still has that version but the destination differs, another client has changed the destination.
 */
export class DriftBook implements Drift {
  readonly #rule: Exclude<DriftRule, 'repair'>
  readonly #known = new Map<string, bigint>()
  /** Keys to leave alone until source and destination are equal. */
  readonly #kept = new Set<string>()
  /** Index in the status key: every change of the source up to this index was copied. */
  #position: bigint | undefined
  #isFirst = true

  constructor(rule: Exclude<DriftRule, 'repair'>) {
    this.#rule = rule
  }

  /** Sets the index up to which an earlier run has copied. It is used for keys that were not compared yet. */
  startAt(position: bigint | undefined): void {
    this.#position = position
  }

  /**
   * Called before a pass over all keys is planned. Forgets the index from the status key if it is higher than the
   * source's index, because it then belongs to another Consul store.
   */
  look(sourceIndex: bigint): void {
    if (this.#position !== undefined && this.#position > sourceIndex) this.#position = undefined
  }

  /** Called when a pass over all keys was complete. */
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

  /** Called if another client has changed the key between our read and our write. */
  conflicted(key: string): void {
    if (this.#rule === 'protect') this.#kept.add(key)
  }

  isDrift(key: string, sourceIndex: bigint | undefined): boolean {
    if (this.#kept.has(key)) return true
    const isDrift = sourceIndex === undefined ? this.#isForeign(key) : this.#isUnchanged(key, sourceIndex)
    if (isDrift && this.#rule === 'protect') this.#kept.add(key)
    return isDrift
  }

  /**
   * True if the key exists at the destination although it was not copied from the source. Before the first
   * pass over all keys has ended, this is not known.
   */
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
