import {linkSignal} from '../../core/cancel/link-signal.js'
import {isTransient} from '../../core/errors.js'
import {isHopeless} from '../../core/hopeless.js'
import type {Outage} from '../../core/outage.js'
import {follow} from '../../core/query/follow.js'
import {kvKeys} from '../../core/query/topics.js'
import type {BlockingQuery, FollowStatus} from '../../core/query/types.js'
import {Backoff} from '../../core/time/backoff.js'
import {Wake} from '../../core/time/wake.js'
import type {BlockingReadOptions, KvEntry} from '../../core/types.js'
import type {CompleteOptions} from '../complete-options.js'
import {formatMapping} from '../mapping.js'
import {outageOf} from '../outage.js'
import {listTimeoutMs} from '../pass/list-entries.js'
import type {MappingWorker, Sides, SourceSnapshot, Standing, Stops} from '../pass/worker.js'
import type {Places} from '../shard/query-places.js'
import {ShardLoop} from '../shard/shard-loop.js'
import type {ReplicationPass} from '../types.js'
import {waitForQuiescence} from './quiescence.js'

/**
 * Options of the first read. It must not return a list that is older than the index up to which an earlier run has
 * copied.
 */
const fromLeader = {freshConsistency: 'consistent'} as const
const leastBetweenReadsMs = 500
/** The pause after a read of the destination is this many times as long as the read. */
const readShare = 10

/**
 * Keeps the destination of one mapping equal to its source until `stop` aborts. The source is followed with its values.
 * The destination is followed by names only. If a key changed there, the whole destination is read between two
 * replication passes; such a read is newer than every write of this process, so it shows changes of other clients
 * without mistaking our own writes for them. Both sides are read again at least once per wait time of a blocking query,
 * which limits the effect of a missed change.
 */
export async function* followMapping(
  worker: MappingWorker,
  options: CompleteOptions,
  stops: Stops,
): AsyncGenerator<ReplicationPass, void, undefined> {
  const news = new News()
  for (;;) {
    let sides: Sides | undefined
    let places: Places | undefined
    let standing: Standing = {held: [], hidden: 0}
    for await (const {pass, left} of followWhole(worker, options, stops)) {
      if (pass && news.isNews(pass)) yield pass
      sides = left?.sides
      places = left?.places
      standing = pass ?? standing
    }
    using placesHere = places
    if (sides === undefined || placesHere === undefined || stops.stop.aborted) return
    const given = {stops, outages: openOutages(worker, options), placeCount: placesHere.count}
    const shards = new ShardLoop(worker, options, given)
    const passes = await shards.begin(sides, standing)
    sides = undefined
    if (passes === undefined) continue
    yield* passes.filter(pass => news.isNews(pass))
    for await (const pass of shards.passes()) if (news.isNews(pass)) yield pass
  }
}

/**
 * Source and destination as last read, and the query slots (blocking queries that may wait at an agent) for following
 * parts of them.
 */
interface Left {
  readonly sides: Sides
  readonly places: Places
}

/**
 * Follows whole lists. Ends when there are so many keys that they should be followed in parts; the last value then
 * contains source and destination as last read.
 */
async function* followWhole(
  worker: MappingWorker,
  options: CompleteOptions,
  stops: Stops,
): AsyncGenerator<{readonly pass?: ReplicationPass; readonly left?: Left}, void, undefined> {
  using link = linkSignal(stops.stop)
  const loop = new MappingLoop(worker, options, {...stops, stop: link.signal})
  const watchers = loop.start(reason => link.abort(reason))
  try {
    yield* loop.passes()
  } catch (error) {
    if (!link.signal.aborted) throw error
  } finally {
    link.abort(undefined)
    await watchers
  }
  if (loop.failure !== undefined && !stops.stop.aborted) throw loop.failure
}

type Outages = Readonly<Record<'source' | 'destination' | 'pass', Outage>>

function openOutages(worker: MappingWorker, options: CompleteOptions): Outages {
  const given = {...options, mapping: worker.mapping, monitors: [worker.monitor]}
  const outage = (part: 'source' | 'destination' | 'pass') => outageOf({...given, part})
  return {source: outage('source'), destination: outage('destination'), pass: outage('pass')}
}

/**
 * Decides which replication passes to yield: the first one, and each later one that changed keys, held back other
 * deletes than the pass before, found new changes of other clients, or failed.
 */
class News {
  #isFirst = true
  #heldIds = ''
  #drifted: ReadonlySet<string> = new Set()

  isNews(pass: ReplicationPass): boolean {
    const heldIds = pass.held.map(held => held.id).join()
    const isNew = this.#isFirst || heldIds !== this.#heldIds
    this.#isFirst = false
    this.#heldIds = heldIds
    const isDrift = pass.drifted.some(key => !this.#drifted.has(key))
    this.#drifted = new Set(pass.drifted)
    return isNew || isDrift || pass.written > 0 || pass.deleted > 0 || pass.error !== undefined
  }
}

/**
 * Three coroutines share one mapping:
 *
 * - The source watcher stores each list in `#source` and sets `#sourceMoved`. No other coroutine writes `#source`.
 * - The destination watcher sets `#replicaMoved` if a name at the destination has changed, by our own
 *   write or by that of another client.
 * - The pass loop waits, reads, and makes passes. It clears `#sourceMoved` before it takes the list, and
 *   `#replicaMoved` before it reads the destination, so that a change during a read or a pass starts the next pass.
 *
 * The states of the pass loop:
 *
 *   waiting      until there is a list, and the source has changed, or the destination has changed and may be read, or
 *                the last pass failed. `#readableAtMs` limits reads of the destination to a tenth of the time.
 *   settling     with quiescence: until no further change has come for `minMs`, but at most for `maxMs`.
 *   reading      the whole destination: at the start, after a failed pass, and if the destination has changed.
 *                Otherwise the copy in memory, which each pass keeps up to date, is used again.
 *   passing      plan, write, delete. A failure leads to resting, every other result to waiting.
 *   resting      for a delay that grows with consecutive failures, then waiting.
 *
 * An error that a retry cannot fix ends the watchers, and therefore the loop, if there is no list yet (`failure`).
 */
class MappingLoop {
  /** The error that ended the watchers; undefined if they were stopped. */
  failure: unknown
  readonly #worker: MappingWorker
  readonly #options: CompleteOptions
  readonly #stops: Stops
  readonly #wake = new Wake()
  readonly #backoff: Backoff
  #source: SourceSnapshot | undefined
  #sourceMoved = false
  #replicaMoved = false
  #readableAtMs = 0
  #isSaid = false
  readonly #outages: Outages

  constructor(worker: MappingWorker, options: CompleteOptions, stops: Stops) {
    this.#worker = worker
    this.#options = options
    this.#stops = stops
    this.#backoff = new Backoff({random: options.destination.random})
    this.#outages = openOutages(worker, options)
    worker.onReleased = () => {
      this.#readableAtMs = 0
      this.#replicaMoved = true
      this.#wake.wake()
    }
  }

  /** Resolves when both watchers have ended. */
  async start(abort: (reason: unknown) => void): Promise<void> {
    const guard = async (watch: Promise<void>): Promise<void> => {
      try {
        await watch
      } catch (error) {
        if (this.#stops.stop.aborted) return
        this.failure ??= error
        abort(error)
      }
    }
    await Promise.all([guard(this.#watchSource()), guard(this.#watchDestination())])
    for (const outage of Object.values(this.#outages)) outage[Symbol.dispose]()
  }

  async *passes(): AsyncGenerator<{readonly pass?: ReplicationPass; readonly left?: Left}, void, undefined> {
    let sides: Sides | undefined
    while (!this.#stops.stop.aborted) {
      await this.#waitForWork(sides === undefined)
      const replica = sides && !this.#mustRead() ? sides : await this.#readReplica()
      if (this.#source === undefined) continue
      sides = {...replica, source: this.#source}
      const pass = await this.#pass(sides)
      // A stopped pass is not complete, although it reports no error.
      this.#worker.monitor.ended(pass !== undefined && pass.error === undefined && !this.#stops.stop.aborted)
      const places = pass !== undefined && !pass.error && this.#areMany(sides) ? this.#takePlaces(sides) : undefined
      if (pass) yield {pass, ...(places && {left: {sides, places}})}
      if (places) return
      // A pass that copied something resets the back-off, even if the pass failed later.
      if (pass && pass.written + pass.deleted > 0) this.#backoff.reset()
      if (pass && !pass.error) this.#outages.pass.end()
      if (pass?.error) await this.#rest(pass.error)
      // After a failure the loop does not know which writes were applied, so it reads the destination again.
      if (pass === undefined || pass.error) sides = undefined
      else this.#backoff.reset()
    }
  }

  async #watchSource(): Promise<void> {
    const {source, maxStaleMs, waitMs} = this.#options
    const {mapping} = this.#worker
    const query: BlockingQuery<readonly KvEntry[]> = {
      id: `replicate.source(${formatMapping(mapping)})`,
      indexRule: 'monotonic',
      guardEmpty: true,
      answerTimeoutMs: listTimeoutMs,
      read: options => this.#watchFresh(this.#outages.source, options, () => this.#worker.readSource(options)),
      entries: () => [],
    }
    const modes = maxStaleMs > 0 ? ({consistency: 'stale', maxStaleMs} as const) : fromLeader
    const options = {signal: this.#stops.stop, waitMs, onStatus: this.#endIfHopeless, ...modes}
    for await (const {snapshot} of follow(query, source, options)) {
      this.#outages.source.end()
      this.#source = snapshot
      this.#sourceMoved = true
      this.#worker.monitor.moved()
      this.#wake.wake()
    }
  }

  async #watchDestination(): Promise<void> {
    const {destination, waitMs} = this.#options
    const names = kvKeys(destination, this.#worker.mapping.destination, {separator: '/'})
    const query: typeof names = {
      ...names,
      read: options => this.#watchFresh(this.#outages.destination, options, () => names.read(options)),
    }
    const options = {signal: this.#stops.stop, waitMs, onStatus: this.#endIfHopeless}
    for await (const {kind} of follow(query, destination, options)) {
      this.#outages.destination.end()
      if (kind === 'first') continue
      this.#replicaMoved = true
      this.#wake.wake()
    }
  }

  /**
   * Sends one read, and reports an outage if the read is not answered. A blocking query is allowed to wait;
   * any other read should be answered at once.
   */
  async #watchFresh<T>(outage: Outage, options: BlockingReadOptions, read: () => Promise<T>): Promise<T> {
    if (options.index === undefined) return outage.watch(read)
    return read().catch((error: unknown) => {
      outage.fail(error)
      throw error
    })
  }

  /**
   * Before the first list has arrived, an error that a retry cannot fix ends the run. Later, all errors are retried.
   */
  readonly #endIfHopeless = (status: FollowStatus): void => {
    if (status.type !== 'retrying' || this.#source !== undefined) return
    if (!isTransient(status.error) || isHopeless(status.error)) throw status.error
  }

  /**
   * Resolves when there is work to do. Waits until the destination may be read again, and collects its
   * changes until then.
   */
  async #waitForWork(isDue: boolean): Promise<void> {
    const {clock, quiescence} = this.#options
    const {stop} = this.#stops
    while (!(this.#source !== undefined && (isDue || this.#sourceMoved || this.#mustRead()))) {
      if (this.#replicaMoved)
        await this.#wake.waitAtMost(this.#readableAtMs - clock.monotonicMs(), {clock, signal: stop})
      else await this.#wake.wait(stop)
    }
    if (quiescence) await waitForQuiescence(this.#wake, {...quiescence, clock, signal: stop})
    this.#sourceMoved = false
    this.#worker.monitor.began()
  }

  #mustRead(): boolean {
    return this.#replicaMoved && this.#options.clock.monotonicMs() >= this.#readableAtMs
  }

  #areMany({source, replica}: Sides): boolean {
    return Math.max(source.value.length, replica.size) > this.#options.shardAbove
  }

  /**
   * Takes query slots for following the mapping in parts. If too few are left, logs that once and returns undefined.
   */
  #takePlaces({source}: Sides): Places | undefined {
    const {places, logger} = this.#options
    const taken = places.take()
    if (taken || this.#isSaid) return taken
    this.#isSaid = true
    logger.warn(
      {component: 'replicate', mapping: formatMapping(this.#worker.mapping), keys: source.value.length},
      'followed by lists of all its keys, so that each change costs one: not all mappings of this process can be followed in parts, because an agent accepts a limited number of queries; run some in another process, with another agent',
    )
    return undefined
  }

  async #readReplica(): Promise<Pick<Sides, 'replica' | 'replicaIndex'>> {
    const {clock} = this.#options
    for (;;) {
      const startedMs = clock.monotonicMs()
      this.#replicaMoved = false
      try {
        const replica = await this.#worker.readReplica(this.#stops.stop)
        const endedMs = clock.monotonicMs()
        this.#readableAtMs = endedMs + Math.max(leastBetweenReadsMs, (endedMs - startedMs) * readShare)
        return replica
      } catch (error) {
        this.#stops.stop.throwIfAborted()
        await this.#rest(error)
      }
    }
  }

  /** Makes one replication pass. Resolves with undefined if the source could not be read. */
  async #pass(sides: Sides): Promise<ReplicationPass | undefined> {
    try {
      return await this.#worker.pass(sides, this.#stops)
    } catch (error) {
      if (this.#stops.stop.aborted) return undefined
      await this.#rest(error)
      return undefined
    }
  }

  async #rest(error: unknown): Promise<void> {
    const delayMs = this.#backoff.next()
    this.#outages.pass.fail(error)
    this.#endIfHopeless({type: 'retrying', attempt: this.#backoff.attempts, delayMs, error})
    await this.#options.clock.sleep(delayMs, this.#stops.stop)
  }
}
