import type {KvEntry} from '../../core/types.js'
import {forEachStep, type Steps, sortSteps} from '../steps.js'
import type {ChangeKind} from '../types.js'
import type {KeyScope} from './key-scope.js'

/** The parts of a destination key that are compared. */
export type ReplicaEntry = Pick<KvEntry, 'value' | 'flags' | 'session' | 'modifyIndex'>
export type Replica = ReadonlyMap<string, ReplicaEntry>

export interface SetChange {
  readonly kind: Exclude<ChangeKind, 'delete'>
  readonly key: string
  readonly differs: 'value' | 'flags' | 'both' | undefined
  readonly entry: KvEntry
}

export interface Plan {
  /** Keys to write, in the order in which the source was written. */
  readonly sets: readonly SetChange[]
  /** Destination keys without a source key. They are candidates: the guards decide. */
  readonly deletes: readonly string[]
  readonly unchanged: number
  readonly skipped: number
  /** Source keys among the skipped whose names are not UTF-8, or contain the character that stands for such bytes. */
  readonly unreadable: readonly string[]
  /** Number of source keys in scope. */
  readonly sourceCount: number
  /** Number of destination keys in scope. */
  readonly destinationCount: number
}

/** Compares by content and returns what would make the destination equal. A key that one side skips is not changed. */
export function* planSteps(source: readonly KvEntry[], replica: Replica, scope: KeyScope): Steps<Plan> {
  const sets: SetChange[] = []
  const wanted = new Set<string>()
  const unreadable: string[] = []
  let [unchanged, skipped, sourceCount] = [0, 0, 0]
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
    const change = compare(key, entry, present)
    if (change) sets.push(change)
    else unchanged += 1
  })
  const deletes: string[] = []
  let destinationCount = 0
  yield* forEachStep(replica, ([key, present]) => {
    if (!scope.includes(scope.toSource(key)) || scope.isForeign(present)) {
      if (!wanted.has(key)) skipped += 1
      return
    }
    destinationCount += 1
    if (!wanted.has(key)) deletes.push(key)
  })
  return {
    sets: yield* sortSteps(sets, byModifyIndex),
    deletes,
    unchanged,
    skipped,
    unreadable,
    sourceCount,
    destinationCount,
  }
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
