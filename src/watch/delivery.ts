import {type GoValue, goJson} from '../core/api/go-json.js'
import type {ConsulIndex, Snapshot} from '../core/types.js'
import type {WatchSpec} from './spec.js'
import {toBlock, type WatchItem, WatchValue} from './value.js'

/** An item that has changed since the last delivery. */
export interface ItemChange {
  /** Kind of the change. `replace` means that the item was deleted and created again between two reads. */
  readonly op: 'create' | 'update' | 'replace' | 'delete'
  /** Identifies the item within the value. */
  readonly key: string
  /** The item after the change; null for `delete`. */
  readonly item: GoValue
  /** The item before the change; null for `create`. */
  readonly previous: GoValue
}

interface DeliveryParts {
  readonly spec: WatchSpec
  readonly content: WatchValue
  readonly index: ConsulIndex | undefined
  readonly before: WatchValue | undefined
  readonly isFirst: boolean
}

/** The data for a handler. Large parts are computed only when they are needed. */
export class Delivery {
  /** Specification of the watch. */
  readonly spec: WatchSpec
  /** Consul's index of the answer. */
  readonly index: ConsulIndex | undefined
  /** True for the first delivery of a watch, even if the value is empty. */
  readonly isFirst: boolean
  /** The value, stored as the texts of its items. */
  readonly content: WatchValue
  /** The content of the previous delivery; undefined for the first one. */
  readonly before: WatchValue | undefined
  #changed: readonly Changed[] | undefined

  constructor({spec, index, isFirst, content, before}: DeliveryParts) {
    this.spec = spec
    this.index = index
    this.isFirst = isFirst
    this.content = content
    this.before = before
  }

  /** The value in the form of `consul watch`, without events that were already delivered. */
  get value(): GoValue {
    return this.content.data
  }

  /** The value of the previous delivery; undefined for the first one, and for events. */
  get previous(): GoValue | undefined {
    return this.before?.data
  }

  /** Number of items that have changed since the previous delivery. */
  get changeCount(): number {
    return this.#changes.length
  }

  /** The changes since the previous delivery. For the first one, there is a `create` for each item. */
  get changes(): readonly ItemChange[] {
    return this.#changes.map(toItemChange)
  }

  get #changes(): readonly Changed[] {
    this.#changed ??= changedItems(this.before ?? nothing, this.content)
    return this.#changed
  }
}

/** Number of event IDs that are remembered: four times as many as the events that an agent lists. */
const keptIds = 1024
const indexFields = new Set(['CreateIndex', 'ModifyIndex', 'LockIndex'])

/** Returns the data without the fields CreateIndex, ModifyIndex and LockIndex at any depth. */
export function withoutIndexes(value: GoValue): GoValue {
  if (Array.isArray(value)) return (value as readonly GoValue[]).map(withoutIndexes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, GoValue | undefined>>)
      .filter(([name]) => !indexFields.has(name))
      .map(([name, field]) => [name, field === undefined ? undefined : withoutIndexes(field)]),
  )
}

const textWithoutIndexes = (item: WatchItem): string => goJson(withoutIndexes(item.data))

/**
 * Selects the answers to deliver: the first one, even if it is empty, and later ones that differ from the last
 * delivery. So a handler does not run twice for the same value after an outage, or after the index grew without a
 * change.
 */
export class NewsFilter {
  readonly #spec: WatchSpec
  readonly #comparable: ((item: WatchItem) => string) | undefined
  #last: WatchValue | undefined
  readonly #seenEvents = new Set<string>()
  #isFirst = true

  constructor(spec: WatchSpec, options: {readonly ignoreIndexes?: boolean} = {}) {
    this.#spec = spec
    this.#comparable = options.ignoreIndexes === true ? textWithoutIndexes : undefined
  }

  /**
   * Returns undefined if nothing changed. A returned delivery counts as delivered. If `failed`, an earlier delivery
   * whose handler failed, is given, the result also contains the changes of that delivery, and its events come first.
   */
  take(snapshot: Snapshot<WatchValue>, failed?: Delivery): Delivery | undefined {
    const isEvent = this.#spec.type === 'event'
    const values = isEvent ? this.#takeEvents(snapshot.value, failed) : this.#takeState(snapshot.value, failed)
    if (!values) return undefined
    const isFirst = failed?.isFirst ?? this.#isFirst
    this.#isFirst = false
    return new Delivery({spec: this.#spec, index: snapshot.index, isFirst, ...values})
  }

  #takeState(content: WatchValue, failed: Delivery | undefined): Pick<Delivery, 'content' | 'before'> | undefined {
    const last = this.#last
    if (last?.equals(content, this.#comparable)) return undefined
    this.#last = content
    return {content, before: failed ? failed.before : last}
  }

  #takeEvents(list: WatchValue, failed: Delivery | undefined): Pick<Delivery, 'content' | 'before'> | undefined {
    const fresh = list.items.filter(({key}) => !this.#seenEvents.has(key))
    if (fresh.length === 0 && !this.#isFirst) return undefined
    for (const {key} of fresh) this.#seenEvents.add(key)
    for (const id of this.#seenEvents) {
      if (this.#seenEvents.size <= keptIds) break
      this.#seenEvents.delete(id)
    }
    return {
      content: new WatchValue('list', [...(failed?.content.entries.blocks ?? []), toBlock(fresh)]),
      before: undefined,
    }
  }
}

interface Changed {
  readonly now: WatchItem | undefined
  readonly before: WatchItem | undefined
}

const nothing = new WatchValue('nil')

/** Returns creations, updates and replacements in the order of the new items, then deletions. */
function changedItems(before: WatchValue, after: WatchValue): readonly Changed[] {
  const old = new Map(before.entries.without(after.entries).map(({item}) => [item.key, item]))
  const changes: Changed[] = []
  for (const {item: now} of after.entries.without(before.entries)) {
    const was = old.get(now.key)
    old.delete(now.key)
    if (was?.version !== now.version) changes.push({now, before: was})
  }
  for (const was of old.values()) changes.push({now: undefined, before: was})
  return changes
}

function toItemChange({now, before}: Changed): ItemChange {
  const [item, previous] = [now?.data ?? null, before?.data ?? null]
  const key = (now ?? before)?.key ?? ''
  if (!before) return {op: 'create', key, item, previous}
  if (!now) return {op: 'delete', key, item, previous}
  return {op: createIndexOf(previous) === createIndexOf(item) ? 'update' : 'replace', key, item, previous}
}

const createIndexOf = (item: GoValue): GoValue | undefined =>
  typeof item === 'object' && item !== null && !Array.isArray(item)
    ? (item as Readonly<Record<string, GoValue | undefined>>)['CreateIndex']
    : undefined
