import {checkOptions, count, duration} from '../check-options.js'
import {contextRule, queryRule} from '../context-rules.js'
import {UsageError} from '../errors.js'
import {consistencyRule} from '../http/call-rules.js'
import type {Consistency} from '../types.js'
import {ParkingLot} from './parking-lot.js'
import type {BlockingQuery, QueryContext, View, ViewRegistry} from './types.js'
import {SharedView} from './view.js'

/** Options for all views of a registry. */
export interface ViewRegistryOptions {
  /**
   * Milliseconds for which a view continues to read after its last subscriber has left.
   * @default 60000
   */
  readonly lingerMs?: number
  /** Maximum number of milliseconds for which a blocking query waits at the agent. @default 60000 */
  readonly waitMs?: number
  /** Maximum age of the answer to a stale read, in milliseconds; an older one is read again from the leader. */
  readonly maxStaleMs?: number
  /** Consistency of reads without an index: the first, and each after a failure. */
  readonly freshConsistency?: Consistency
  /** Maximum number of blocking queries at one agent. Further queries are polled. @default 64 */
  readonly places?: number
}

const defaultLingerMs = 60_000
const registryRules = {
  lingerMs: duration(),
  waitMs: duration({minMs: 1}),
  maxStaleMs: duration(),
  freshConsistency: consistencyRule,
  places: count({min: 1}),
} as const

/**
 * Creates the registry for the views of one client. Dispose the registry before the client. Throws a UsageError if an
 * option is not valid.
 *
 * @example
 * ```ts
 * await using views = createViewRegistry(client)
 * const subscription = views.view(kvPrefix(client, 'stock/')).subscribe()
 * await subscription.ready
 * await client.kv.put('stock/apples', Buffer.from('3'))
 * for await (const frame of subscription.frames()) {
 *   if (frame.type !== 'upsert') continue
 *   frame.item.value.toString() // => '3'
 *   break
 * }
 * ```
 */
export function createViewRegistry(context: QueryContext, options: ViewRegistryOptions = {}): ViewRegistry {
  checkOptions('createViewRegistry', {context}, {context: contextRule}, ['context'])
  checkOptions('createViewRegistry', options, registryRules)
  return new Registry(context, options)
}

class Registry implements ViewRegistry {
  readonly #context: QueryContext
  readonly #options: ViewRegistryOptions
  readonly #lot: ParkingLot
  readonly #views = new Map<string, View<unknown>>()
  #closing: Promise<void> | undefined

  constructor(context: QueryContext, options: ViewRegistryOptions) {
    this.#context = context
    this.#options = options
    this.#lot = new ParkingLot(context.clock, options.places)
  }

  view<T, Item>(query: BlockingQuery<T, Item>): View<T, Item> {
    checkOptions('view', {query}, {query: queryRule}, ['query'])
    if (this.#closing) {
      throw new UsageError(`view ${query.id}: its registry is closed`, {
        hint: 'subscribe before the registry is disposed',
      })
    }
    const known = this.#views.get(query.id)
    if (known) return known as View<T, Item>
    const {lingerMs = defaultLingerMs, waitMs, maxStaleMs, freshConsistency} = this.#options
    const view = new SharedView(query, this.#context, {
      lot: this.#lot,
      lingerMs,
      ...(waitMs !== undefined && {waitMs}),
      ...(maxStaleMs !== undefined && {maxStaleMs}),
      ...(freshConsistency && {freshConsistency}),
      successor: () => this.view(query),
      onStopped: () => this.#views.delete(query.id),
    })
    this.#views.set(query.id, view)
    return view
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= Promise.all([...this.#views.values()].map(view => view[Symbol.asyncDispose]())).then(() => {})
    return this.#closing
  }
}
