import type {ReplicaEntry} from '../plan/plan.js'
import type {ReplicationPass} from '../types.js'

/** Deletes that one request made arrive together: they are judged together. */
const settleMs = 150
const longestMs = 2000
/** More deletes than this are judged only after a look at all parts of the source. */
const few = 10
/** Held deletes whose keys are read again each time that they are judged again. */
const mostReadAgain = 1000
const heldAgainMs = 60_000
const soonMs = 250

/** What a pass says of deletes. */
export interface DeletesFound {
  /** Destination keys that were read for it. */
  readonly looked: ReadonlySet<string>
  readonly isJudged: boolean
  readonly held: ReplicationPass['held']
}

/** Keys that should be read again, and when. */
export interface ReadAgain {
  readonly keys: readonly string[]
  readonly afterMs: number
}

/** Destination keys that the source does not have, until they are deleted. */
export class PendingDeletes {
  #copies: ReadonlyMap<string, ReplicaEntry> = new Map()
  #held: ReplicationPass['held'] = []
  #judgeByMs = Number.POSITIVE_INFINITY
  #judgeAtMs = Number.POSITIVE_INFINITY

  get copies(): ReadonlyMap<string, ReplicaEntry> {
    return this.#copies
  }

  /** What the last verdict has held. */
  get held(): ReplicationPass['held'] {
    return this.#held
  }

  /** When the deletes that wait are judged. */
  get judgeAtMs(): number {
    return this.#judgeAtMs
  }

  get areMany(): boolean {
    return this.#copies.size > few
  }

  /** Starts again with what an audit has left over. */
  restart(copies: ReadonlyMap<string, ReplicaEntry>, nowMs: number): ReadAgain | undefined {
    this.#copies = new Map()
    return this.wait(copies, {looked: new Set(), isJudged: false, held: []}, nowMs)
  }

  /** What was held because the source was empty is judged again once it has keys. */
  judgeSoon(nowMs: number): void {
    if (this.#held.length === 0) return
    this.#judgeByMs = Math.min(this.#judgeByMs, nowMs + longestMs)
    this.#judgeAtMs = Math.min(nowMs + settleMs, this.#judgeByMs)
  }

  /** An audit has judged them. */
  hold(held: ReplicationPass['held']): void {
    this.#held = held
  }

  /**
   * What is left over waits: after a change for more of its kind, after a verdict for another look at it. What the verdict
   * neither deleted nor held was there when its leader was asked: it is looked at again soon.
   */
  wait(copies: ReadonlyMap<string, ReplicaEntry>, found: DeletesFound, nowMs: number): ReadAgain | undefined {
    const isNew = [...copies.keys()].some(key => found.looked.has(key) || !this.#copies.has(key))
    this.#copies = copies
    if (found.isJudged || copies.size === 0) {
      this.#held = copies.size === 0 ? [] : found.held
      this.#judgeAtMs = Number.POSITIVE_INFINITY
      this.#judgeByMs = Number.POSITIVE_INFINITY
      // Hidden keys may be readable by then.
      const afterMs = found.held.length > 0 ? heldAgainMs : soonMs
      return {keys: [...copies.keys()].slice(0, mostReadAgain), afterMs}
    }
    if (isNew) {
      this.#judgeByMs = Math.min(this.#judgeByMs, nowMs + longestMs)
      this.#judgeAtMs = Math.min(nowMs + settleMs, this.#judgeByMs)
    }
    return undefined
  }
}
