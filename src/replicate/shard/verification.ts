import type {Clock} from '../../core/types.js'
import type {Vertex} from './key-tree.js'
import type {Node} from './node.js'
import type {NodeReader} from './node-reader.js'

/** Minimum time between two steps, as a multiple of the duration of the last step. */
const pauseShare = 3
/** Number of vertices that one step compares. */
const stepSize = 16
/** Number of vertices that a verification may compare for each of our own writes since the last one began. */
const readsOfWrite = 4
/** Maximum time between two verifications, even if there were so few writes in between. */
const longestRestMs = 120_000

/**
 * Reads tree nodes again in which our own writes may have hidden the change of another client. After many writes of our
 * own, nearly every part of a tree node has changed, so the tree node is read in steps between the rounds of
 * replication, and not within one round.
 */
export class Verification {
  readonly #reader: NodeReader
  readonly #clock: Clock
  /** Vertices that have to be compared. */
  #open: Vertex[] = []
  #nextAtMs = 0
  /** Number of vertices that the last verification has compared, and the time at which it began. */
  #readCount = 0
  #beganMs = 0
  /** Number of our own writes since then. */
  #writeCount = 0

  constructor(reader: NodeReader, clock: Clock) {
    this.#reader = reader
    this.#clock = clock
  }

  /** Counts a write of our own. */
  written(): void {
    this.#writeCount += 1
  }

  /**
   * Time at which the next step is due; Infinity if there is nothing to verify. After a long verification and few
   * writes, the next one waits, because it would take longer than the writes have taken.
   */
  dueAtMs(nodes: readonly Node[]): number {
    if (this.#open.length > 0) return this.#nextAtMs
    const atMs = nodes.reduce((least, {verifyAtMs = least}) => Math.min(least, verifyAtMs), Number.POSITIVE_INFINITY)
    const isPaid = this.#writeCount * readsOfWrite >= this.#readCount
    return Math.max(atMs, isPaid ? this.#nextAtMs : this.#beganMs + longestRestMs)
  }

  /** Forgets what has to be compared, because everything was read again. */
  clear(): void {
    this.#open = []
    this.#readCount = 0
  }

  /** Makes the next step if it is due. A vertex whose comparison fails is compared again in a later step. */
  async step(nodes: readonly Node[]): Promise<void> {
    const startedMs = this.#clock.monotonicMs()
    if (startedMs < this.dueAtMs(nodes)) return
    if (this.#open.length === 0) this.#take(nodes)
    const some = this.#open.splice(-stepSize)
    this.#readCount += some.length
    const results = await Promise.allSettled(some.map(vertex => this.#reader.step(vertex)))
    for (const [at, result] of results.entries()) {
      const vertex = some[at]
      if (result.status === 'fulfilled') this.#open.push(...result.value)
      else if (vertex) this.#open.push(vertex)
    }
    const nowMs = this.#clock.monotonicMs()
    this.#nextAtMs = nowMs + (nowMs - startedMs) * pauseShare
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  /** Adds the tree node whose verification has been due for the longest time to the vertices to compare. */
  #take(nodes: readonly Node[]): void {
    const [oldest] = nodes
      .filter(({verifyAtMs}) => verifyAtMs !== undefined)
      .toSorted((a, b) => (a.verifyAtMs ?? 0) - (b.verifyAtMs ?? 0))
    if (!oldest) return
    oldest.verifyAtMs = undefined
    this.#open.push(oldest.vertex)
    this.#readCount = 0
    this.#writeCount = 0
    this.#beganMs = this.#clock.monotonicMs()
  }
}
