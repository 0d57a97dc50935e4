import {type GoValue, goJson} from '../core/api/go-json.js'
import type {ConsulIndex, Snapshot} from '../core/types.js'
import {itemsOf} from './query.js'
import type {WatchSpec} from './spec.js'

/** One item that is not as it was at the last delivery. */
export interface ItemChange {
  /** `replace`: deleted and made again between two looks. */
  readonly op: 'create' | 'update' | 'replace' | 'delete'
  readonly key: string
  readonly item: GoValue
  readonly previous: GoValue
}

/** What a handler is run for. */
export interface Delivery {
  readonly spec: WatchSpec
  /** In the form of the Go tool. For events only those not delivered before. */
  readonly value: GoValue
  readonly index: ConsulIndex | undefined
  /** What was delivered before; undefined the first time, and for events. */
  readonly previous: GoValue | undefined
  readonly changes: readonly ItemChange[]
  readonly isFirst: boolean
}

/** IDs of events to remember: four rings of an agent. */
const keptIds = 1024
const indexFields = new Set(['CreateIndex', 'ModifyIndex', 'LockIndex'])

/** A value without its indexes: what is left is what somebody meant to write. */
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
 * Decides what is news. The first answer always is, even an empty one; a later one if it differs from what was
 * delivered last. So neither an outage nor an index that moved for nothing makes a handler run twice for the same.
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
   * Undefined when there is nothing new. What is returned counts as delivered. With `failed`, a delivery that its handler
   * failed, the result replaces that one too: its changes begin where those of `failed` do, and its events come first.
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
