import {setMaxListeners} from 'node:events'
import type {Outage} from '../../core/outage.js'
import {follow} from '../../core/query/follow.js'
import type {BlockingQuery, Followed, FollowOptions, QueryContext} from '../../core/query/types.js'
import type {BlockingReadOptions, ConsulIndex, Snapshot} from '../../core/types.js'
import {coldestIn, isBare, type Vertex} from './key-tree.js'
import type {Node} from './node.js'
import type {Look, ShardReads} from './shard-reads.js'
import type {ShardSide} from './shard-side.js'

/** Why an answer may show another store than earlier answers: the store was replaced, or answers were missed. */
export type Doubt = 'replaced' | 'recovered'

export interface WatchOptions {
  readonly side: ShardSide
  readonly reads: ShardReads
  readonly context: QueryContext
  readonly follow: Pick<FollowOptions, 'consistency' | 'freshConsistency' | 'maxStaleMs'> & {readonly waitMs: number}
  readonly outage: Outage
  /** Minimum time between two answers of one query. */
  readonly leastPauseMs: number
  /** Minimum time between two answers of one query if the first shows nothing but our own writes. */
  readonly ownPauseMs: number
  /** Called when a part has changed and should be read. */
  readonly onMoved: () => void
  /** Called for an answer that shows nothing new, although it may hide the change of another client. */
  readonly onSeen: () => void
  /** Called when an answer may belong to another state than the answers before. */
  readonly onDoubt: (kind: Doubt) => void
}

/** The root is queried seldom, because each answer costs the agent a walk over all keys of the side. */
const leastRootPauseMs = 500
const longestPauseMs = 1000
const costShare = 4
/** Pause per key of the side, so that answering the root's query takes at most a fifteenth of the agent's time. */
const rootPauseOfKeyMs = 0.01
const earlyShare = 0.9
const coldPauseMs = 20
const firstWaitMs = 5000

/**
 * The blocking queries of one side: one for each tree node, and one for the root. Their answers only say that
 * something has changed. The keys are read later, so that all reads are made in one order.
 */
export class SideWatch {
  /** The answer of the root's query, until it has been used to search for changes that no tree node's query shows. */
  rootAnswer: Snapshot<Look> | undefined
  readonly #options: WatchOptions
  readonly #running = new Set<Promise<void>>()
  #controller = new AbortController()

  constructor(options: WatchOptions) {
    this.#options = options
  }

  /** Starts the queries of the side's tree nodes, and stops those of earlier tree nodes. */
  start(): void {
    this.stop()
    this.#controller = new AbortController()
    // Each query adds a listener, so there is no limit.
    setMaxListeners(0, this.#controller.signal)
    const {side} = this.#options
    this.rootAnswer = undefined
    for (const node of side.nodes) this.watch(node)
    // If the root is itself a tree node, that tree node's query is enough.
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

  /** Runs a query until it is stopped. A query that is refused or fails is repeated. */
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
    const {side, onMoved, onSeen, leastPauseMs, ownPauseMs} = this.#options
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
      node.answer = snapshot
      const isOwn = side.explain(node)
      if (isOwn) onSeen()
      else {
        node.isMoved = true
        onMoved()
      }
      const pauseMs = isOwn ? ownPauseMs : Math.min(longestPauseMs, node.costMs * costShare)
      await this.#sleep(Math.max(leastPauseMs, pauseMs), signal)
    }
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms > 0) await this.#options.context.clock.sleep(ms, signal)
  }

  async #watchRoot(signal: AbortSignal): Promise<void> {
    const {side, context, onMoved, onSeen, ownPauseMs} = this.#options
    for await (const {kind, snapshot} of this.#follow({prefix: side.prefix, separator: '/'}, signal)) {
      this.#compareFirst(kind, snapshot)
      if (kind === 'unchanged') continue
      const isSwept = side.isSwept(snapshot)
      if (isSwept) onSeen()
      else {
        this.rootAnswer = snapshot
        onMoved()
      }
      const leastMs = isSwept ? Math.max(leastRootPauseMs, ownPauseMs) : leastRootPauseMs
      await context.clock.sleep(Math.max(leastMs, side.size * rootPauseOfKeyMs), signal)
    }
  }

  /**
   * Waits for a change of a key that seldom changes, so that nearly always one query is waiting at the agent and ends
   * if Consul's store is replaced. The other queries pause after each answer, and would miss a replacement during a
   * pause.
   */
  async #watchColdest(signal: AbortSignal): Promise<void> {
    const {side, context} = this.#options
    for (;;) {
      const key = coldestIn(side.nodes.map(({vertex}) => vertex))
      if (key !== undefined) {
        for await (const {kind, snapshot} of this.#follow({prefix: key, separator: '/'}, signal)) {
          if (snapshot.value.isEmpty || kind === 'changed' || kind === 'reset') break
        }
      }
      await context.clock.sleep(key === undefined ? longestPauseMs : coldPauseMs, signal)
    }
  }

  /**
   * Reports a replaced store if the first answer of a query has a lower index than the list from which the
   * side was made.
   */
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
        // An answer without a change before the end of the wait time suggests that the store was replaced.
        const ageMs = context.clock.monotonicMs() - snapshot.sentAtMs
        const isSame = options.index !== undefined && snapshot.index === options.index
        if (isSame && ageMs < (options.waitMs ?? 0) * earlyShare) onDoubt('replaced')
        outage.end()
        return snapshot
      },
    }
    return watchKinds(followLonger(query, context, {...modes, signal}), onDoubt)
  }

  async #read(reads: ShardReads, part: Part, options: BlockingReadOptions): Promise<Snapshot<Look>> {
    const {outage} = this.#options
    const look = (): Promise<Snapshot<Look>> => reads.look(part.prefix, part.separator, options)
    if (options.index === undefined) return outage.watch(look)
    return look().catch((error: unknown) => {
      outage.fail(error)
      throw error
    })
  }
}

type Part = Pick<Vertex, 'prefix' | 'separator'>

/**
 * Follows a blocking query with growing wait times. An agent counts the connection of a query until its wait time has
 * ended, even if the client is gone, so a process that is restarted again and again must not leave queries with long
 * wait times behind.
 */
async function* followLonger<T>(
  query: BlockingQuery<T>,
  context: QueryContext,
  options: FollowOptions & {readonly waitMs: number},
): AsyncGenerator<Followed<T>, void, undefined> {
  let index: ConsulIndex | undefined
  for (let waitMs = Math.min(firstWaitMs, options.waitMs); ; waitMs = Math.min(4 * waitMs, options.waitMs)) {
    for await (const followed of follow(query, context, {...options, waitMs, ...(index !== undefined && {index})})) {
      yield followed
      index = followed.snapshot.index
      if (followed.kind === 'unchanged' && waitMs < options.waitMs) break
    }
    options.signal.throwIfAborted()
  }
}

async function* watchKinds<T extends {readonly kind: string}>(
  answers: AsyncIterable<T>,
  onDoubt: WatchOptions['onDoubt'],
): AsyncGenerator<T, void, undefined> {
  for await (const answer of answers) {
    if (answer.kind === 'recovered') onDoubt('recovered')
    yield answer
  }
}
