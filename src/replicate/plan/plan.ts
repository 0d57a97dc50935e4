import type {KvEntry} from '../../core/types.js'
import type {ChangeKind} from '../types.js'
import type {KeyScope} from './key-scope.js'

/** What the diff looks at in a destination key. */
export type ReplicaEntry = Pick<KvEntry, 'value' | 'flags' | 'session'>
export type Replica = ReadonlyMap<string, ReplicaEntry>

export interface SetChange {
  readonly kind: Exclude<ChangeKind, 'delete'>
  readonly key: string
  readonly differs: 'value' | 'flags' | 'both' | undefined
  readonly entry: KvEntry
}

export interface Plan {
  /** In the order in which the source was written. */
  readonly sets: readonly SetChange[]
  /** Destination keys without a source key. Candidates only: the guards decide. */
  readonly deletes: readonly string[]
  readonly unchanged: number
  readonly skipped: number
  /** Source keys among the skipped whose names are not UTF-8, or contain the character that stands for such bytes. */
  readonly unreadable: readonly string[]
  /** Source keys in scope. */
  readonly sourceCount: number
  /** Destination keys in scope. */
  readonly destinationCount: number
}

const chunk = 2000

/**
 * Compares by content and tells what would make the destination equal. Pure; a generator so that a caller can give way
 * to other work between its steps. A key skipped on one side is left alone on the other.
 */
export function* planSteps(source: readonly KvEntry[], replica: Replica, scope: KeyScope): Generator<undefined, Plan> {
  const sets: SetChange[] = []
  const wanted = new Set<string>()
  const unreadable: string[] = []
  let [unchanged, skipped, sourceCount, steps] = [0, 0, 0, 0]
  for (const entry of source) {
    steps += 1
    if (steps % chunk === 0) yield
    const key = scope.toDestination(entry.key)
    wanted.add(key)
    const present = replica.get(key)
    if (!scope.includes(entry.key) || scope.isForeign(entry) || (present && scope.isForeign(present))) {
      skipped += 1
      if (scope.isUnreadable(entry.key)) unreadable.push(entry.key)
      continue
    }
    sourceCount += 1
    const change = compare(key, entry, present)
    if (change) sets.push(change)
    else unchanged += 1
  }
  const deletes: string[] = []
  let destinationCount = 0
  for (const [key, present] of replica) {
    steps += 1
    if (steps % chunk === 0) yield
    if (!scope.includes(scope.toSource(key)) || scope.isForeign(present)) {
      if (!wanted.has(key)) skipped += 1
      continue
    }
    destinationCount += 1
    if (!wanted.has(key)) deletes.push(key)
  }
  sets.sort(byModifyIndex)
  return {sets, deletes, unchanged, skipped, unreadable, sourceCount, destinationCount}
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

export function plan(source: readonly KvEntry[], replica: Replica, scope: KeyScope): Plan {
  const steps = planSteps(source, replica, scope)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
