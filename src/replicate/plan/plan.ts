import type {KvEntry} from '../../core/types.js'
import {forEachStep, type Steps, sortSteps} from '../steps.js'
import type {ChangeKind} from '../types.js'
import type {KeyScope} from './key-scope.js'

/** The fields of a destination entry that matter for a comparison. */
export type ReplicaEntry = Pick<KvEntry, 'value' | 'flags' | 'session' | 'modifyIndex'>
export type Replica = ReadonlyMap<string, ReplicaEntry>
/**
 * Destination keys to leave alone as long as the source has the given version of them. Version 0 means that
 * the key does not exist at the source.
 */
export type Left = ReadonlyMap<string, bigint>

/** Decides which differences are due to changes that another client has made at the destination. */
export interface Drift {
  /** Called for a key that is equal on both sides. */
  equal(key: string, sourceIndex: bigint): void
  /** True if the key must be left alone. `sourceIndex` is undefined if the key does not exist at the source. */
  isDrift(key: string, sourceIndex: bigint | undefined): boolean
}

export interface SetChange {
  readonly kind: Exclude<ChangeKind, 'delete'>
  readonly key: string
  readonly differs: 'value' | 'flags' | 'both' | undefined
  readonly entry: KvEntry
}

export interface Plan {
  /** Keys to write, in the order in which they were written at the source. */
  readonly sets: readonly SetChange[]
  /** Destination keys that do not exist at the source. Which of them are deleted is decided later. */
  readonly deletes: readonly string[]
  readonly unchanged: number
  readonly skipped: number
  /** Number of keys that were skipped because the source still has the version given in `left`. */
  readonly left: number
  /** Destination keys that another client has changed, and that are left alone. */
  readonly drifted: readonly string[]
  /** Skipped source keys whose names are not UTF-8, or contain the character that Consul returns for invalid bytes. */
  readonly unreadable: readonly string[]
  /** Number of source keys that the mapping covers. */
  readonly sourceCount: number
  /** Number of destination keys that the mapping covers. */
  readonly destinationCount: number
}

/**
 * Compares contents, and returns the changes that would make the destination equal to the source. A key that
 * is skipped on one side is not changed.
 */
export function* planSteps(
  source: readonly KvEntry[],
  replica: Replica,
  scope: KeyScope,
  {left: kept = new Map(), drift}: {readonly left?: Left; readonly drift?: Drift | undefined} = {},
): Steps<Plan> {
  const sets: SetChange[] = []
  const wanted = new Set<string>()
  const unreadable: string[] = []
  const drifted: string[] = []
  let [unchanged, skipped, sourceCount, left] = [0, 0, 0, 0]
  yield* forEachStep(source, entry => {
    const key = scope.toDestination(entry.key)
    wanted.add(key)
    const present = replica.get(key)
    if (!scope.includes(entry.key) || scope.isForeign(entry) || (present && scope.isForeign(present))) {
      skipped += 1
      if (scope.isUnreadable(entry.key)) unreadable.push(entry.key)
      return
    }
    sourceCount += 1
    if (kept.get(key) === entry.modifyIndex) {
      left += 1
      skipped += 1
      return
    }
    const change = compare(key, entry, present)
    if (!change) {
      unchanged += 1
      drift?.equal(key, entry.modifyIndex)
    } else if (drift?.isDrift(key, entry.modifyIndex) === true) drifted.push(key)
    else sets.push(change)
  })
  const there = yield* deleteSteps(replica, {scope, wanted, kept, drift})
  return {
    sets: yield* sortSteps(sets, byModifyIndex),
    deletes: there.deletes,
    unchanged,
    skipped: skipped + there.skipped,
    left: left + there.left,
    drifted: [...drifted, ...there.drifted],
    unreadable,
    sourceCount,
    destinationCount: there.destinationCount,
  }
}

function* deleteSteps(
  replica: Replica,
  given: {
    readonly scope: KeyScope
    readonly wanted: ReadonlySet<string>
    readonly kept: Left
    readonly drift: Drift | undefined
  },
): Steps<Pick<Plan, 'deletes' | 'skipped' | 'left' | 'drifted' | 'destinationCount'>> {
  const {scope, wanted, kept, drift} = given
  const deletes: string[] = []
  const drifted: string[] = []
  let [skipped, left, destinationCount] = [0, 0, 0]
  yield* forEachStep(replica, ([key, present]) => {
    if (!scope.includes(scope.toSource(key)) || scope.isForeign(present)) {
      if (!wanted.has(key)) skipped += 1
      return
    }
    destinationCount += 1
    if (wanted.has(key)) return
    if (kept.get(key) === 0n) skipped += 1
    else if (drift?.isDrift(key, undefined) === true) drifted.push(key)
    else deletes.push(key)
  })
  for (const [key, index] of kept) if (index === 0n && !wanted.has(key)) left += 1
  return {deletes, skipped, left, drifted, destinationCount}
}

function compare(key: string, entry: KvEntry, present: ReplicaEntry | undefined): SetChange | undefined {
  if (!present) return {kind: 'create', key, differs: undefined, entry}
  const value = !present.value.equals(entry.value)
  const flags = present.flags !== entry.flags
  if (!value && !flags) return undefined
  return {kind: 'update', key, differs: value && flags ? 'both' : value ? 'value' : 'flags', entry}
}

const byModifyIndex = (a: SetChange, b: SetChange): number =>
  a.entry.modifyIndex < b.entry.modifyIndex ? -1 : a.entry.modifyIndex > b.entry.modifyIndex ? 1 : 0
