import {linkSignal} from '../core/cancel/link-signal.js'
import {abortSignal, boolean, callback, checkOptions, duration, withMethod} from '../core/check-options.js'
import {clockRule, queryRule} from '../core/context-rules.js'
import type {View, ViewRegistry} from '../core/query/types.js'
import type {Clock} from '../core/types.js'
import {type Delivery, NewsFilter} from './delivery.js'
import type {WatchQuery} from './query.js'
import type {WatchItem, WatchValue} from './value.js'

/** Milliseconds until a failed delivery is repeated; undefined if the delivery needs no repetition. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a function without a result may be handed over
export type HandleResult = number | undefined | void

/** Options of a watch. */
export interface RunWatchOptions {
  /** Ends the watch. */
  readonly signal: AbortSignal
  /** The client's clock. */
  readonly clock: Clock
  /**
   * Called for one delivery at a time; changes in the meantime are combined into one later delivery. If it resolves
   * with a number, the delivery has failed: it is repeated after that many milliseconds, or replaced by a newer one as
   * soon as there is one. If it rejects, the watch ends.
   */
  readonly handle: (delivery: Delivery) => Promise<HandleResult>
  /**
   * A delivery waits until nothing has changed for this time, in milliseconds, but for at most ten times as long.
   * @default 0
   */
  readonly debounceMs?: number
  /** True to ignore changes that affect only indexes. @default false */
  readonly isIndexIgnored?: boolean
  /** True to end after the first successful delivery. @default false */
  readonly isOnce?: boolean
}

/**
 * Delivers the current state, then every change. Resolves when the signal aborts or, with `isOnce`, after the first
 * successful delivery. Rejects if `handle` does, or if Consul refuses the query.
 * @example
 * ```ts
 * await client.kv.put('limits', Buffer.from('5'))
 * await using views = createViewRegistry(client)
 * const query = watchQuery(client, parseWatch({type: 'key', key: 'limits'}))
 * await runWatch(views, query, {
 *   signal: new AbortController().signal,
 *   clock: client.clock,
 *   isOnce: true,
 *   handle: async ({changes}) => {
 *     changes.map(({op, key}) => `${op} ${key}`) // => ['create limits']
 *   },
 * })
 * ```
 */
export async function runWatch(views: ViewRegistry, query: WatchQuery, options: RunWatchOptions): Promise<void> {
  checkOptions('runWatch', {views, query}, {views: withMethod('a view registry', 'view'), query: queryRule}, [
    'views',
    'query',
  ])
  checkOptions('runWatch', options, rules, ['signal', 'clock', 'handle'])
  const view = views.view(query)
  await using subscription = view.subscribe({signal: options.signal})
  const news = new NewsFilter(query.spec, {ignoreIndexes: options.isIndexIgnored === true})
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
      // Prevents an unhandled rejection: `next` is awaited only after the handler has ended.
      next.catch(() => {})
      await settle(view, options)
      delivery = view.current && news.take(view.current, failed?.delivery)
    }
    if (!delivery || isOver()) continue
    const repeatInMs = await options.handle(delivery)
    failed = repeatInMs === undefined ? undefined : {delivery, repeatAtMs: options.clock.monotonicMs() + repeatInMs}
    if (options.isOnce === true && !failed) return
  }
}

const rules = {
  signal: abortSignal,
  clock: clockRule,
  handle: callback,
  debounceMs: duration(),
  isIndexIgnored: boolean,
  isOnce: boolean,
}

interface Failed {
  readonly delivery: Delivery
  readonly repeatAtMs: number
}

/**
 * Resolves with true if `next` settles before the monotonic time `atMs`, and with false if that time comes or the
 * signal aborts first. Without `atMs`, waits until `next` settles.
 */
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

/** Resolves when the view has not changed for the debounce time. */
async function settle(view: View<WatchValue, WatchItem>, options: RunWatchOptions): Promise<void> {
  const {clock, debounceMs = 0, signal} = options
  if (debounceMs <= 0) return
  const endMs = clock.monotonicMs() + 10 * debounceMs
  let before: number
  do {
    before = view.stats.changes
    await clock.sleep(debounceMs, signal).catch(() => undefined)
  } while (view.stats.changes !== before && clock.monotonicMs() < endMs && !signal.aborted)
}
