import type {Clock} from '../../core/types.js'
import type {ShardSide} from './shard-side.js'
import type {SideWatch} from './side-watch.js'

/** Minimum time between two searches for changes that other changes may have hidden. */
const wholeEveryMs = 10_000

/**
 * Looks for changes on one side that no tree node's query shows, by means of the root's query and of a search at
 * intervals.
 */
export class Sweeper {
  readonly #side: ShardSide
  readonly #watch: SideWatch
  readonly #clock: Clock
  #wholeAtMs = Number.POSITIVE_INFINITY
  #sweptMs = 0

  constructor(side: ShardSide, watch: SideWatch, clock: Clock) {
    this.#side = side
    this.#watch = watch
    this.#clock = clock
  }

  /** Time at which the next search for hidden changes (sweep) is due. */
  get dueAtMs(): number {
    return this.#watch.rootAnswer ? 0 : this.#wholeAtMs
  }

  /** Makes a search due, because a change may have happened that no tree node's query shows. */
  noticeChange(): void {
    this.#wholeAtMs = Math.min(this.#wholeAtMs, this.#sweptMs + wholeEveryMs)
  }

  /**
   * Sweeps the side. The search for hidden changes is made at once if `isForced` is set or the index of the root is
   * above the greatest index read so far, otherwise at most every ten seconds.
   */
  async sweep(isForced: boolean): Promise<void> {
    const nowMs = this.#clock.monotonicMs()
    const answer = this.#watch.rootAnswer
    this.#watch.rootAnswer = undefined
    try {
      if (answer) this.#follow(await this.#side.sweep(answer.value.names()))
      const isUnexplained = (answer?.index ?? 0n) > this.#side.knownIndex
      if (isForced || isUnexplained || nowMs >= this.#wholeAtMs) {
        this.#follow(await this.#side.sweepWhole(isForced))
        this.#sweptMs = nowMs
        this.#wholeAtMs = Number.POSITIVE_INFINITY
      } else if (answer) this.noticeChange()
    } catch (error) {
      this.#watch.rootAnswer ??= answer
      throw error
    }
  }

  #follow(nodes: Awaited<ReturnType<ShardSide['sweep']>>): void {
    for (const node of nodes) this.#watch.watch(node)
  }
}
