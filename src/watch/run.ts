import type {GoValue} from '../core/api/go-json.js'
import type {View, ViewRegistry} from '../core/query/types.js'
import type {Clock} from '../core/types.js'
import {type Delivery, NewsFilter} from './delivery.js'
import type {WatchQuery} from './query.js'
import type {WatchSpec} from './spec.js'

/** What to do with each delivery, and when. */
export interface RunWatchOptions {
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Called for one delivery at a time; what changes meanwhile becomes one later delivery. Rejecting ends the watch. */
  readonly deliver: (delivery: Delivery) => Promise<void>
  /** Waits until nothing changed for this long, at most ten times as long. @default 0 */
  readonly debounceMs?: number
  /** Changes of indexes alone are no news. */
  readonly ignoreIndexes?: boolean
  /** Ends after the first delivery. */
  readonly once?: boolean
}

/**
 * Delivers the present state, then every change of it. Resolves when the signal aborts, or after the first delivery
 * with `once`; rejects when `deliver` does, or when the question itself is wrong.
 *
 * @example
 * ```ts
 * await client.kv.put('limits', Buffer.from('5'))
 * await using views = createViewRegistry(client)
 * const spec = parseWatch({type: 'key', key: 'limits'})
 * await runWatch(views, spec, watchQuery(client, spec), {
 *   signal: new AbortController().signal,
 *   clock: client.clock,
 *   once: true,
 *   deliver: async ({changes}) => {
 *     changes.map(({op, key}) => `${op} ${key}`) // => ['create limits']
 *   },
 * })
 * ```
 */
export async function runWatch(
  views: ViewRegistry,
  spec: WatchSpec,
  query: WatchQuery,
  options: RunWatchOptions,
): Promise<void> {
  const view = views.view(query)
  await using subscription = view.subscribe({signal: options.signal})
  const news = new NewsFilter(spec, {ignoreIndexes: options.ignoreIndexes === true})
  await subscription.ready.catch((error: unknown) => {
    if (!options.signal.aborted) throw error
  })
  for await (const snapshot of subscription.snapshots()) {
    if (options.signal.aborted) return
    const newest = await settle(view, options)
    const delivery = news.take(newest ?? snapshot)
    if (!delivery) continue
    await options.deliver(delivery)
    if (options.once === true) return
  }
}

/** The view's state once it has been quiet for the debounce time. Undefined without debounce. */
async function settle(
  view: View<GoValue, GoValue>,
  options: RunWatchOptions,
): Promise<View<GoValue, GoValue>['current'] | undefined> {
  const {clock, debounceMs = 0, signal} = options
  if (debounceMs <= 0) return undefined
  const endMs = clock.monotonicMs() + 10 * debounceMs
  let before: number
  do {
    before = view.stats.changes
    await clock.sleep(debounceMs, signal).catch(() => undefined)
  } while (view.stats.changes !== before && clock.monotonicMs() < endMs && !signal.aborted)
  return view.current
}
