import {isDeepStrictEqual} from 'node:util'
import {apart, type Entries} from './entries.js'
import type {FrameBody, ViewEntry} from './types.js'

export type Change<Item> = Extract<FrameBody<Item>, {type: 'upsert' | 'delete' | 'gap'}>

export interface Difference<Item> {
  readonly changes: readonly Change<Item>[]
  /**
   * True if an item in both answers has a lower ModifyIndex than before, or has the same ModifyIndex but
   * different content.
   */
  readonly wentBack: boolean
}

/**
 * Finds the entries of one answer in another. Two answers nearly always have the same order, so entries are looked up
 * by key only after the first difference in order.
 */
class Alignment<Item> {
  readonly #other: ReadonlyMap<string, ViewEntry<Item>>
  readonly #places: Iterator<ViewEntry<Item>>
  #isAligned = true

  constructor(other: ReadonlyMap<string, ViewEntry<Item>>) {
    this.#other = other
    this.#places = other.values()
  }

  /**
   * Returns the other answer's entry with this key. The caller asks for keys in the order in which its own answer has
   * them.
   */
  find(key: string): ViewEntry<Item> | undefined {
    if (this.#isAligned) {
      const place = this.#places.next()
      if (place.done !== true && place.value.key === key) return place.value
      this.#isAligned = false
    }
    return this.#other.get(key)
  }

  /** True if every key so far had the same position in both answers. */
  get isAligned(): boolean {
    return this.#isAligned
  }
}

/** True if an entry of `before` is missing from `after`. */
export function hasGone(before: Entries<unknown>, after: Entries<unknown>): boolean {
  const [old, now] = apart(before, after)
  const alignment = new Alignment(now)
  for (const key of old.keys()) if (!alignment.find(key)) return true
  return false
}

/** Returns the keys of `before` that are missing from `after`. */
export function goneKeys(before: Entries<unknown>, after: Entries<unknown>): readonly string[] {
  const [old, now] = apart(before, after)
  return [...old.keys()].filter(key => !now.has(key))
}

/**
 * Returns the changes between two answers: upserts in the order of their ModifyIndex, if they have one, then deletes.
 * With `isSuspicious` (after errors and resets), entries of the same version are also compared by content, because a
 * server that lost its data may issue an old ModifyIndex again.
 */
export function diffEntries<Item>(
  before: Entries<Item>,
  after: Entries<Item>,
  isSuspicious: boolean,
): Difference<Item> {
  const upserts: {readonly change: Change<Item>; readonly modifyIndex: bigint}[] = []
  let wentBack = false
  const [oldEntries, newEntries] = apart(before, after)
  const alignment = new Alignment(oldEntries)
  for (const [key, entry] of newEntries) {
    const old = alignment.find(key)
    if (old === entry) continue
    const isSameVersion = old?.version === entry.version
    if (old && isSameVersion && (!isSuspicious || isDeepStrictEqual(old.item, entry.item))) continue
    if (old && (isSameVersion || isOlder(entry.modifyIndex, old.modifyIndex))) wentBack = true
    const change = {type: 'upsert', key, item: entry.item, previous: old?.item} as const
    upserts.push({change, modifyIndex: entry.modifyIndex ?? 0n})
  }
  upserts.sort((a, b) => (a.modifyIndex < b.modifyIndex ? -1 : a.modifyIndex > b.modifyIndex ? 1 : 0))
  const changes = upserts.map(({change}) => change)
  if (alignment.isAligned && oldEntries.size === newEntries.size) return {changes, wentBack}
  for (const [key, old] of oldEntries) {
    if (!newEntries.has(key)) changes.push({type: 'delete', key, previous: old.item})
  }
  return {changes, wentBack}
}

const isOlder = (now: bigint | undefined, before: bigint | undefined): boolean =>
  now !== undefined && before !== undefined && now < before

const rememberedIds = 1024

/**
 * Separates the new items of an append-only list from those seen before, by ID. Remembers more items than the
 * list can contain.
 */
export class AppendOnlyTracker<Item> {
  readonly #seen = new Set<string>()

  /**
   * Returns the new items. They begin with a `gap` if items were seen before but the list contains none of
   * them.
   */
  changes(after: Entries<Item>): readonly Change<Item>[] {
    const fresh = [...after.values()].filter(entry => !this.#seen.has(entry.key))
    const isGap = this.#seen.size > 0 && fresh.length > 0 && fresh.length === after.size
    const afterId = isGap ? [...this.#seen].at(-1) : undefined
    for (const {key} of fresh) this.#seen.add(key)
    for (const id of this.#seen) {
      if (this.#seen.size <= rememberedIds) break
      this.#seen.delete(id)
    }
    const upserts = fresh.map(({key, item}) => ({type: 'upsert', key, item, previous: undefined}) as const)
    return isGap ? [{type: 'gap', afterId}, ...upserts] : upserts
  }
}
