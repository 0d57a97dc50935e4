import type {GoValue} from '../core/api/go-json.js'
import {linkSignal} from '../core/cancel/link-signal.js'
import type {View, ViewRegistry} from '../core/query/types.js'
import type {Clock} from '../core/types.js'
import {type Delivery, NewsFilter} from './delivery.js'
import type {WatchQuery} from './query.js'
import type {WatchSpec} from './spec.js'

/** Milliseconds until a failed delivery is repeated; undefined when it is done. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a function without a result may be handed over
export type DeliverResult = number | undefined | void

/** What to do with each delivery, and when. */
export interface RunWatchOptions {
  readonly signal: AbortSignal
  readonly clock: Clock
  /**
   * Called for one delivery at a time; what changes meanwhile becomes one later delivery. If it resolves with a number,
   * the delivery failed and is repeated after so many milliseconds, or replaced as soon as there is a newer one.
   * Rejecting ends the watch.
   */
  readonly deliver: (delivery: Delivery) => Promise<DeliverResult>
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
  const snapshots = subscription.snapshots()
  let next = snapshots.next()
  let failed: Failed | undefined
  const isOver = (): boolean => options.signal.aborted
  while (!isOver()) {
    let delivery = failed?.delivery
    if (await comesBefore(next, failed?.repeatAtMs, options)) {
      if ((await next).done === true) return
      next = snapshots.next()
      // Awaited later: while a handler runs nothing looks at it.
      next.catch(() => {})
      await settle(view, options)
      delivery = view.current && news.take(view.current, failed?.delivery)
    }
    if (!delivery || isOver()) continue
    const repeatInMs = await options.deliver(delivery)
    failed = repeatInMs === undefined ? undefined : {delivery, repeatAtMs: options.clock.monotonicMs() + repeatInMs}
    if (options.once === true && !failed) return
  }
}

interface Failed {
  readonly delivery: Delivery
  readonly repeatAtMs: number
}

/** True when `next` settles before that time, false when the time is over or the signal aborts. */
async function comesBefore(
  next: Promise<unknown>,
  atMs: number | undefined,
  {clock, signal}: RunWatchOptions,
): Promise<boolean> {
  const settled = next.then(
    () => true,
    () => true,
  )
  if (atMs === undefined) return settled
  using pause = linkSignal(signal)
  const over = clock.sleep(Math.max(0, atMs - clock.monotonicMs()), pause.signal).then(
    () => false,
    () => false,
  )
  const isFirst = await Promise.race([settled, over])
  pause.abort(undefined)
  return isFirst
}

/** Resolves once the view has been quiet for the debounce time. */
async function settle(view: View<GoValue, GoValue>, options: RunWatchOptions): Promise<void> {
  const {clock, debounceMs = 0, signal} = options
  if (debounceMs <= 0) return
  const endMs = clock.monotonicMs() + 10 * debounceMs
  let before: number
  do {
    before = view.stats.changes
    await clock.sleep(debounceMs, signal).catch(() => undefined)
  } while (view.stats.changes !== before && clock.monotonicMs() < endMs && !signal.aborted)
}
