import type {ConsulClient} from '../../core/client.js'
import {kvPrefix} from '../../core/query/topics.js'
import type {ViewStatus} from '../../core/query/types.js'
import {createViewRegistry} from '../../core/query/view-registry.js'
import type {KvEntry, Snapshot} from '../../core/types.js'
import {judgeFilters} from '../audience.js'
import {type EventIntake, type EventIntakeOptions, runIntake} from '../intake/intake.js'
import type {EventNotice, UnreadableEntry} from '../notices.js'
import {checkWatch} from '../option-rules.js'
import {OutageReport} from '../outage-report.js'
import {logPrefix, readLog} from './durable-log.js'

/**
 * Options of a watch of a durable log. `state` must have the identity of the log: `{datacenter, node: '', log: name}`.
 */
export interface DurableWatchOptions extends EventIntakeOptions {
  /** Receives notices of the watch. Its result is never awaited, and it must not throw. */
  readonly observer?: (notice: EventNotice) => void
}

/**
 * Passes every event of a log to the handler, in the order in which Consul created the entries, including events that
 * were fired while no watch was running: at least once if `afterCrash` is `rerun`, at most once if it is `skip`. The
 * watch reads the log itself, so it misses no event even if the event that announces an entry is lost. Resolves when
 * the signal has aborted and the handlers in progress have ended. Rejects if Consul refuses the query, the state cannot
 * be written, or `handleDead` rejects.
 *
 * @example
 * ```ts
 * await fireDurable(client, 'reindex', {payload: Buffer.from('shop')})
 * const {datacenter} = await client.agent.self()
 * const stop = new AbortController()
 * await watchDurable(client, 'reindex', {
 *   state: EventState.inMemory({datacenter, node: '', log: 'reindex'}),
 *   from: 'earliest',
 *   signal: stop.signal,
 *   handle: async events => {
 *     events.map(event => event.payload?.toString()) // => ['shop']
 *     stop.abort()
 *   },
 *   handleDead: async (_events, error) => Promise.reject(error),
 * })
 * ```
 */
export async function watchDurable(client: ConsulClient, name: string, options: DurableWatchOptions): Promise<void> {
  checkWatch('watchDurable', {client, name}, options)
  const prefix = logPrefix(name)
  const {observer = () => {}} = options
  await runIntake(client, {...options, observer}, async (intake, signal) => {
    await using views = createViewRegistry(client, {lingerMs: 0, freshConsistency: 'consistent'})
    const subscription = views.view(kvPrefix(client, prefix)).subscribe({signal})
    const outage = new OutageReport(observer)
    const statuses = (async () => {
      for await (const frame of subscription.frames())
        if (frame.type === 'status') report(frame.status, outage, observer)
    })()
    statuses.catch(() => undefined)
    const reader = new LogReader(client, intake, {...options, name, observer, signal})
    for await (const snapshot of subscription.snapshots()) {
      await reader.receive(snapshot)
      await intake.room()
    }
  })
}

function report(status: ViewStatus, outage: OutageReport, observer: (notice: EventNotice) => void): void {
  if (status.state === 'stale' || status.state === 'connecting') {
    if (status.error !== undefined) outage.failed(status.error)
  } else if (status.state === 'held') observer({type: 'log.doubted', reason: status.reason})
  else if (status.state === 'live') outage.answered()
}

interface LogReaderOptions extends DurableWatchOptions {
  readonly name: string
  readonly observer: (notice: EventNotice) => void
}

/** Finds the events in each answer that the state does not contain yet. */
class LogReader {
  readonly #client: ConsulClient
  readonly #intake: EventIntake
  readonly #options: LogReaderOptions
  #isFirst = true

  constructor(client: ConsulClient, intake: EventIntake, options: LogReaderOptions) {
    this.#client = client
    this.#intake = intake
    this.#options = options
  }

  /**
   * Logs are pruned from the oldest entry on, so a state that contains the newest pruned entry also contains all
   * earlier ones. If the state lacks that entry, events were missed. IDs are compared instead of indexes, because
   * restoring a cluster changes indexes.
   */
  async receive({value: list, filteredByAcls}: Snapshot<readonly KvEntry[]>): Promise<void> {
    const {state, name, from = 'now', signal, accepts = () => true, observer} = this.#options
    const {events, unreadable, keys, prunedThrough} = readLog(name, list)
    const isBeginning = this.#isFirst && state.isNew
    if (prunedThrough !== undefined && !state.has(prunedThrough)) {
      if (!isBeginning) observer({type: 'events.missed', reason: 'pruned', through: prunedThrough})
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
    if (this.#isFirst) observer({type: 'watch.started', listedCount: keys.length, isFiltered: filteredByAcls})
    this.#isFirst = false
  }

  async #leaveOut(entries: readonly UnreadableEntry[], isPast: boolean): Promise<void> {
    const {state, observer} = this.#options
    const fresh = entries.filter(({id}) => !state.has(id))
    if (!isPast) for (const entry of fresh) observer({type: 'entry.rejected', ...entry})
    await state.finish(
      fresh.map(({id}) => id),
      'dead',
    )
  }
}
