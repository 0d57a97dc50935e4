import {type GoValue, goJson} from '../core/api/go-json.js'
import type {ConsulIndex, Snapshot} from '../core/types.js'
import {itemsOf} from './query.js'
import type {WatchSpec} from './spec.js'

/** One item that changed since the last delivery. */
export interface ItemChange {
  /** `replace`: deleted and created again between two reads. */
  readonly op: 'create' | 'update' | 'replace' | 'delete'
  /** What identifies the item within the value. */
  readonly key: string
  /** The item now; null after `delete`. */
  readonly item: GoValue
  /** The item before; null for `create`. */
  readonly previous: GoValue
}

/** What a handler receives. */
export interface Delivery {
  /** What is watched. */
  readonly spec: WatchSpec
  /** The value in the form of `consul watch`. Of events only those that were not delivered before. */
  readonly value: GoValue
  /** Consul's index of the answer. */
  readonly index: ConsulIndex | undefined
  /** The value of the last delivery; undefined for the first one, and for events. */
  readonly previous: GoValue | undefined
  /** What changed since the last delivery; for the first one, a `create` for each item. */
  readonly changes: readonly ItemChange[]
  /** True for the first delivery of a watch, even if the value is empty. */
  readonly isFirst: boolean
}

/** Number of event IDs that are remembered: four times the list of an agent. */
const keptIds = 1024
const indexFields = new Set(['CreateIndex', 'ModifyIndex', 'LockIndex'])

/** Returns the value without its indexes. */
export function withoutIndexes(value: GoValue): GoValue {
  if (Array.isArray(value)) return (value as readonly GoValue[]).map(withoutIndexes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, GoValue | undefined>>)
      .filter(([name]) => !indexFields.has(name))
      .map(([name, field]) => [name, field === undefined ? undefined : withoutIndexes(field)]),
  )
}

/**
 * Decides which answers are delivered: the first one always, even if it is empty, and a later one if it differs from the
 * last delivery. So neither an outage nor an index that moved without a change makes a handler run twice for one value.
 */
export class NewsFilter {
  readonly #spec: WatchSpec
  readonly #comparable: (value: GoValue) => string
  #last: {readonly value: GoValue; readonly comparable: string} | undefined
  readonly #seenEvents = new Set<string>()
  #isFirst = true

  constructor(spec: WatchSpec, options: {readonly ignoreIndexes?: boolean} = {}) {
    this.#spec = spec
    this.#comparable = options.ignoreIndexes === true ? value => goJson(withoutIndexes(value)) : value => goJson(value)
  }

  /**
   * Returns undefined if nothing is new. What is returned counts as delivered. With `failed`, a delivery whose handler
   * failed, the result replaces that one as well: it includes the changes of `failed`, and its events come first.
   */
  take(snapshot: Snapshot<GoValue>, failed?: Delivery): Delivery | undefined {
    const delivery =
      this.#spec.type === 'event' ? this.#takeEvents(snapshot, failed) : this.#takeState(snapshot, failed)
    if (delivery) this.#isFirst = false
    return delivery
  }

  #takeState(snapshot: Snapshot<GoValue>, failed: Delivery | undefined): Delivery | undefined {
    const {value, index} = snapshot
    const comparable = this.#comparable(value)
    const last = this.#last
    if (last && last.comparable === comparable) return undefined
    this.#last = {value, comparable}
    const previous = failed ? failed.previous : last?.value
    const changes = changesBetween(this.#spec, previous ?? null, value)
    return {spec: this.#spec, value, index, previous, changes, isFirst: failed?.isFirst ?? this.#isFirst}
  }

  #takeEvents(snapshot: Snapshot<GoValue>, failed: Delivery | undefined): Delivery | undefined {
    const fresh = itemsOf(this.#spec, snapshot.value).filter(({key}) => !this.#seenEvents.has(key))
    if (fresh.length === 0 && !this.#isFirst) return undefined
    for (const {key} of fresh) this.#seenEvents.add(key)
    for (const id of this.#seenEvents) {
      if (this.#seenEvents.size <= keptIds) break
      this.#seenEvents.delete(id)
    }
    const created = fresh.map(({key, item}) => ({op: 'create', key, item, previous: null}) as const)
    const changes = [...(failed?.changes ?? []), ...created]
    return {
      spec: this.#spec,
      value: changes.map(({item}) => item),
      index: snapshot.index,
      previous: undefined,
      changes,
      isFirst: failed?.isFirst ?? this.#isFirst,
    }
  }
}

const createIndexOf = (item: GoValue): GoValue | undefined =>
  typeof item === 'object' && item !== null && !Array.isArray(item)
    ? (item as Readonly<Record<string, GoValue | undefined>>)['CreateIndex']
    : undefined

/** Creations, updates and replacements in the order of the new value, then deletions. */
export function changesBetween(spec: WatchSpec, before: GoValue, after: GoValue): readonly ItemChange[] {
  const old = new Map(itemsOf(spec, before).map(entry => [entry.key, entry]))
  const changes: ItemChange[] = []
  for (const {key, version, item} of itemsOf(spec, after)) {
    const was = old.get(key)
    old.delete(key)
    if (!was) changes.push({op: 'create', key, item, previous: null})
    else if (was.version !== version) {
      const op = createIndexOf(was.item) === createIndexOf(item) ? 'update' : 'replace'
      changes.push({op, key, item, previous: was.item})
    }
  }
  for (const [key, {item}] of old) changes.push({op: 'delete', key, item: null, previous: item})
  return changes
}
