import type {ConsulClient} from '../../core/client.js'
import {kvPrefix} from '../../core/query/topics.js'
import type {ViewStatus} from '../../core/query/types.js'
import {createViewRegistry} from '../../core/query/view-registry.js'
import type {KvEntry, Snapshot} from '../../core/types.js'
import {judgeFilters} from '../audience.js'
import {type EventIntake, type IntakeOptions, runIntake} from '../intake/intake.js'
import {logPrefix, readLog, type UnreadableEntry} from './durable-log.js'

/** How a log is followed: as events are, and what is told of the log itself. */
export interface DurableWatchOptions extends IntakeOptions {
  /** Whose log is followed. The state must belong to it: `{datacenter, node: '', log: name}`. */
  readonly name: string
  /** Called when the log was pruned beyond what the state knows: events up to `through` were never seen. */
  readonly onGap?: (gap: {readonly through: string}) => void
  /** Called for each entry that is no event or of a version that is not known. It is left out for good. */
  readonly onUnreadable?: (entry: UnreadableEntry) => void
  readonly onStatus?: (status: ViewStatus) => void
  /** Called after the log was read for the first time, with its length; `isFiltered`: rights hide entries, as far as Consul tells. */
  readonly onReady?: (length: number, isFiltered: boolean) => void
}

/**
 * Hands every event of a log to the handler, in the order in which Consul took them, those too that came while nobody
 * watched: with `rerun` at least once, with `skip` at most once. The log itself is read, so a lost hint loses nothing.
 * Runs until the signal aborts (then resolves, after the handlers under way) or something cannot be mended (then rejects).
 *
 * @example
 * ```ts
 * await fireDurable(client, 'reindex', {payload: Buffer.from('shop')})
 * const {datacenter} = await client.agent.self()
 * const stop = new AbortController()
 * await watchDurable(client, {
 *   name: 'reindex',
 *   state: EventState.inMemory({datacenter, node: '', log: 'reindex'}),
 *   from: 'earliest',
 *   signal: stop.signal,
 *   handle: async events => {
 *     events.map(event => event.payload?.toString()) // => ['shop']
 *     stop.abort()
 *   },
 *   onDead: async (_events, error) => Promise.reject(error),
 * })
 * ```
 */
export async function watchDurable(client: ConsulClient, options: DurableWatchOptions): Promise<void> {
  const prefix = logPrefix(options.name)
  await runIntake(client, options, async (intake, signal) => {
    await using views = createViewRegistry(client, {lingerMs: 0, freshConsistency: 'consistent'})
    const subscription = views.view(kvPrefix(client, prefix)).subscribe({signal})
    const statuses = (async () => {
      for await (const frame of subscription.frames()) if (frame.type === 'status') options.onStatus?.(frame.status)
    })()
    statuses.catch(() => undefined)
    const reader = new LogReader(client, intake, {...options, signal})
    for await (const snapshot of subscription.snapshots()) await reader.receive(snapshot)
  })
}

/** Compares each answer with what the state knows. */
class LogReader {
  readonly #client: ConsulClient
  readonly #intake: EventIntake
  readonly #options: DurableWatchOptions
  #isFirst = true

  constructor(client: ConsulClient, intake: EventIntake, options: DurableWatchOptions) {
    this.#client = client
    this.#intake = intake
    this.#options = options
  }

  /**
   * Whoever knows the newest entry that was pruned has seen all before it, because logs are pruned from their old end:
   * so the IDs in the state tell a gap, and no index has to survive a restore of the cluster.
   */
  async receive({value: list, filteredByAcls}: Snapshot<readonly KvEntry[]>): Promise<void> {
    const {state, name, from = 'now', signal, accepts = () => true, onGap, onReady} = this.#options
    const {events, unreadable, keys, prunedThrough} = readLog(name, list)
    const isBeginning = this.#isFirst && state.isNew
    if (prunedThrough !== undefined && !state.has(prunedThrough)) {
      if (!isBeginning) onGap?.({through: prunedThrough})
      await state.finish([prunedThrough], 'seen')
    }
    const isPast = isBeginning && from === 'now'
    const fresh = events.filter(event => !state.has(event.id))
    const judged = await judgeFilters(this.#client, isPast ? [] : fresh.filter(accepts), signal)
    const unwanted = fresh.filter(event => !accepts(event)).map(({id}) => id)
    await state.finish([...judged.others, ...unwanted], 'seen')
    await this.#leaveOut([...unreadable, ...judged.unreadable], isPast)
    const listed = new Set(keys.map(({id}) => id))
    if (prunedThrough !== undefined) listed.add(prunedThrough)
    await this.#intake.receive(events, listed)
    if (this.#isFirst) onReady?.(keys.length, filteredByAcls)
    this.#isFirst = false
  }

  async #leaveOut(entries: readonly UnreadableEntry[], isPast: boolean): Promise<void> {
    const {state, onUnreadable} = this.#options
    const fresh = entries.filter(({id}) => !state.has(id))
    if (!isPast) for (const entry of fresh) onUnreadable?.(entry)
    await state.finish(
      fresh.map(({id}) => id),
      'dead',
    )
  }
}
