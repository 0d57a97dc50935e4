import {setMaxListeners} from 'node:events'
import type {Outage} from '../../core/outage.js'
import {follow} from '../../core/query/follow.js'
import type {BlockingQuery, Followed, FollowOptions, QueryContext} from '../../core/query/types.js'
import type {BlockingReadOptions, Snapshot} from '../../core/types.js'
import {isBare, type Vertex} from './key-tree.js'
import {type Node, verifyAfterMs} from './node.js'
import type {Listing, Look, ShardReads} from './shard-reads.js'
import type {ShardSide} from './shard-side.js'

/**
 * Why an answer may belong to another state than the answers before: the store was replaced, or answers were missed.
 */
export type Doubt = 'replaced' | 'recovered'

export interface WatchOptions {
  readonly side: ShardSide
  readonly reads: ShardReads
  readonly context: QueryContext
  readonly follow: Pick<FollowOptions, 'consistency' | 'freshConsistency' | 'maxStaleMs'> & {readonly waitMs: number}
  readonly outage: Outage
  /** Minimum time between two answers of one query. */
  readonly leastPauseMs: number
  /** Called when a part should be read. */
  readonly onMoved: () => void
  /** Called when an answer may belong to another state than the answers before. */
  readonly onDoubt: (kind: Doubt) => void
}

/** The root is queried seldom, because each answer costs the agent a walk over all keys. */
const leastRootPauseMs = 500
const longestPauseMs = 1000
const costShare = 4
/** Pause for each key of the side, so that the root's query takes at most a fifteenth of the agent's time. */
const rootPauseOfKeyMs = 0.01
const earlyShare = 0.9
const coldPauseMs = 20
/** A query that was answered after this time was waiting at the agent, and was woken by the first change. */
const parkedMs = 100

/**
 * The blocking queries of one side: one for each node, and one for the root. Their answers only say that something has
 * changed. The keys are read afterwards, so that all reads have one order.
 */
export class SideWatch {
  /** The answer of the root's query, until the side is swept. */
  rootAnswer: Snapshot<Listing> | undefined
  readonly #options: WatchOptions
  readonly #running = new Set<Promise<void>>()
  #controller = new AbortController()

  constructor(options: WatchOptions) {
    this.#options = options
  }

  /** Starts the queries of the side's nodes, and stops the queries of the nodes before. */
  start(): void {
    this.stop()
    this.#controller = new AbortController()
    // Each query adds a listener.
    setMaxListeners(0, this.#controller.signal)
    const {side} = this.#options
    this.rootAnswer = undefined
    for (const node of side.nodes) this.watch(node)
    // If the root is a node, the node's query is enough.
    if (!side.nodes.some(({vertex}) => vertex.prefix === side.prefix)) this.#keep(signal => this.#watchRoot(signal))
    this.#keep(signal => this.#watchColdest(signal))
  }

  watch(node: Node): void {
    this.#keep(signal => this.#watchNode(node, signal))
  }

  stop(): void {
    this.#controller.abort()
  }

  /** Resolves when all queries have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#running)
  }

  /** Runs a query until it is stopped. A refused query is asked again, like a failed one. */
  #keep(watch: (signal: AbortSignal) => Promise<void>): void {
    const {signal} = this.#controller
    const {clock} = this.#options.context
    const running = (async () => {
      for (;;) {
        try {
          await watch(signal)
          return
        } catch (error) {
          if (signal.aborted) return
          this.#options.outage.fail(error)
          await clock.sleep(longestPauseMs, signal).catch(() => {})
        }
      }
    })()
    this.#running.add(running)
    void running.finally(() => this.#running.delete(running))
  }

  async #watchNode(node: Node, signal: AbortSignal): Promise<void> {
    const {side, context, onMoved, leastPauseMs} = this.#options
    const {vertex} = node
    for await (const {kind, snapshot} of this.#follow(vertex, signal)) {
      const {index = 0n, value} = snapshot
      if (vertex.prefix === side.prefix) this.#compareFirst(kind, snapshot)
      if (value.isEmpty && isBare(vertex) && vertex.prefix !== side.prefix) {
        side.drop(node)
        return
      }
      if (kind === 'reset') await side.doubt(node)
      else if (!side.isNews(vertex, index, value.isEmpty)) continue
      if (node.ownIndexes.has(index)) {
        // The answer shows a write of our own. The change of another client may be hidden behind it, unless the query
        // was waiting until then.
        const nowMs = context.clock.monotonicMs()
        if (nowMs - snapshot.sentAtMs < parkedMs) node.verifyAtMs ??= nowMs + verifyAfterMs
      } else {
        node.answer = snapshot
        node.isMoved = true
      }
      onMoved()
      await this.#sleep(Math.max(leastPauseMs, Math.min(longestPauseMs, node.costMs * costShare)), signal)
    }
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms > 0) await this.#options.context.clock.sleep(ms, signal)
  }

  async #watchRoot(signal: AbortSignal): Promise<void> {
    const {side, context, onMoved} = this.#options
    for await (const {kind, snapshot} of this.#follow({prefix: side.prefix, children: [], separator: '/'}, signal)) {
      this.#compareFirst(kind, snapshot)
      if (kind === 'unchanged') continue
      this.rootAnswer = {...snapshot, value: {...snapshot.value, names: snapshot.value.names ?? []}}
      onMoved()
      await context.clock.sleep(Math.max(leastRootPauseMs, side.size * rootPauseOfKeyMs), signal)
    }
  }

  /**
   * Waits for a change of a key that seldom changes, so that one query is nearly always waiting at the agent. The other
   * queries pause after each answer, and a store that is replaced during a pause ends none of them.
   */
  async #watchColdest(signal: AbortSignal): Promise<void> {
    const {side, context} = this.#options
    for (;;) {
      const key = side.coldest
      if (key !== undefined) {
        for await (const {kind, snapshot} of this.#follow({prefix: key, children: [], separator: '/'}, signal)) {
          if (snapshot.value.isEmpty || kind === 'changed' || kind === 'reset') break
        }
      }
      await context.clock.sleep(key === undefined ? longestPauseMs : coldPauseMs, signal)
    }
  }

  /** Reports a replaced store if a first answer has a lower index than the list that the side was made from. */
  #compareFirst(kind: string, {index}: Snapshot<Look>): void {
    const {side, onDoubt} = this.#options
    if (kind === 'first' && index !== undefined && index < side.baseline) onDoubt('replaced')
  }

  #follow(part: Part, signal: AbortSignal): AsyncGenerator<Followed<Look>, void, undefined> {
    const {prefix} = part
    const {reads, context, follow: modes, outage, onDoubt} = this.#options
    const query: BlockingQuery<Look> = {
      id: `replicate.part(${prefix})`,
      indexRule: 'monotonic',
      guardEmpty: false,
      entries: () => [],
      read: async options => {
        const snapshot = await this.#read(reads, part, options)
        // The agent has answered before the wait ended, without a change: the store was replaced meanwhile.
        const ageMs = context.clock.monotonicMs() - snapshot.sentAtMs
        const isSame = options.index !== undefined && snapshot.index === options.index
        if (isSame && ageMs < (options.waitMs ?? 0) * earlyShare) onDoubt('replaced')
        outage.end()
        return snapshot
      },
    }
    const follows = follow(query, context, {...modes, signal})
    return watchKinds(follows, onDoubt)
  }

  async #read(reads: ShardReads, part: Part, options: BlockingReadOptions): Promise<Snapshot<Look>> {
    const {outage} = this.#options
    const {prefix, separator} = part
    // Only the index of a leaf is used. A leaf may be divided later.
    const isLeaf = part.children.length === 0 && prefix !== this.#options.side.prefix
    const look = (): Promise<Snapshot<Look>> =>
      isLeaf ? reads.look(prefix, separator, options) : reads.listing(prefix, options)
    if (options.index === undefined) return outage.watch(look)
    return look().catch((error: unknown) => {
      outage.fail(error)
      throw error
    })
  }
}

type Part = Pick<Vertex, 'prefix' | 'children' | 'separator'>

async function* watchKinds<T extends {readonly kind: string}>(
  answers: AsyncIterable<T>,
  onDoubt: WatchOptions['onDoubt'],
): AsyncGenerator<T, void, undefined> {
  for await (const answer of answers) {
    if (answer.kind === 'recovered') onDoubt('recovered')
    yield answer
  }
}
