import type {Standing} from '../pass/worker.js'
import type {ReplicaEntry} from '../plan/plan.js'

/** Time to wait for further deletes of the same request, so that one decision covers all of them. */
const settleMs = 150
const longestMs = 2000
/**
 * If more deletes than this are waiting, all parts of the source are read before any of the deletes is made.
 */
const few = 10
/** Maximum number of keys that are read again after a pass has made only some of the deletes. */
const mostReadAgain = 1000
const heldAgainMs = 60_000
const soonMs = 250
/** Time until the held deletes are counted again after some of them were made, or their keys returned. */
const countAgainMs = 3000

/** What a replication pass has decided about the deletes. */
export interface DeletesFound extends Standing {
  /** Destination keys that the pass has read. */
  readonly looked: ReadonlySet<string>
  readonly isJudged: boolean
}

/** Keys to read again, and the delay before that. */
export interface ReadAgain {
  readonly keys: readonly string[]
  readonly afterMs: number
}

/** Destination keys that are missing at the source and not deleted yet. */
export class PendingDeletes {
  #copies: ReadonlyMap<string, ReplicaEntry> = new Map()
  #standing: Standing = {held: [], hidden: 0}
  #judgeByMs = Number.POSITIVE_INFINITY
  #judgeAtMs = Number.POSITIVE_INFINITY

  get copies(): ReadonlyMap<string, ReplicaEntry> {
    return this.#copies
  }

  /** The last decision. */
  get standing(): Standing {
    return this.#standing
  }

  /** Time at which it is decided which of the waiting deletes to make. */
  get judgeAtMs(): number {
    return this.#judgeAtMs
  }

  get areMany(): boolean {
    return this.#copies.size > few
  }

  /** Replaces the waiting deletes by those that a full comparison has found. */
  restart(copies: ReadonlyMap<string, ReplicaEntry>, nowMs: number): ReadAgain | undefined {
    this.#copies = new Map()
    return this.wait(copies, {looked: new Set(), isJudged: false, ...this.#standing}, nowMs)
  }

  /** Called when the source has keys again. The deletes that were held back are then soon judged again. */
  judgeSoon(nowMs: number): void {
    if (this.#standing.held.length === 0) return
    this.#judgeByMs = Math.min(this.#judgeByMs, nowMs + longestMs)
    this.#judgeAtMs = Math.min(nowMs + settleMs, this.#judgeByMs)
  }

  /** Records the deletes that a full comparison has held back. */
  hold({held, hidden}: Standing): void {
    this.#standing = {held, hidden}
  }

  /**
   * Adds deletes. If a change has just caused them, they wait for further deletes of the same request. If they are left
   * from the last decision, they wait for the next one. A key that was neither deleted nor held back exists at the
   * source's leader, so it is read again soon.
   */
  wait(copies: ReadonlyMap<string, ReplicaEntry>, found: DeletesFound, nowMs: number): ReadAgain | undefined {
    const isLess = copies.size < this.#copies.size && this.#standing.held.length > 0
    const isNew = [...copies.keys()].some(key => found.looked.has(key) || !this.#copies.has(key))
    this.#copies = copies
    if (found.isJudged || copies.size === 0) {
      this.#standing = copies.size === 0 ? {held: [], hidden: 0} : {held: found.held, hidden: found.hidden}
      this.#judgeAtMs = Number.POSITIVE_INFINITY
      this.#judgeByMs = Number.POSITIVE_INFINITY
      // After this time, the token may be permitted to read keys that were hidden.
      const afterMs = found.held.length > 0 ? heldAgainMs : soonMs
      return {keys: [...copies.keys()].slice(0, mostReadAgain), afterMs}
    }
    if (isLess) this.#judgeAtMs = Math.min(this.#judgeAtMs, nowMs + countAgainMs)
    if (isNew) {
      this.#judgeByMs = Math.min(this.#judgeByMs, nowMs + longestMs)
      this.#judgeAtMs = Math.min(nowMs + settleMs, this.#judgeByMs)
    }
    return undefined
  }
}
