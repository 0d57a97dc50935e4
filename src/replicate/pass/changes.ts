import type {BulkItem} from '../../core/bulk/pack.js'
import type {KvEntry, KvValue} from '../../core/types.js'
import type {ReplicaEntry, SetChange} from '../plan/plan.js'
import type {Overwritten} from '../undo/journal.js'

export function* toSets(changes: readonly SetChange[]): Generator<BulkItem> {
  for (const {key, entry} of changes) {
    yield {operation: {verb: 'set', key, value: entry.value, flags: entry.flags}, group: entry.modifyIndex}
  }
}

/** Returns what the changes overwrite. */
export const overwritten = (
  changes: readonly SetChange[],
  replica: ReadonlyMap<string, ReplicaEntry>,
): readonly Overwritten[] =>
  changes.flatMap(({key, entry}) => {
    const before = replica.get(key)
    return before ? [{key, before, after: entry, sourceIndex: entry.modifyIndex}] : []
  })

/** Returns what the deletes remove. */
export const deleted = (keys: readonly string[], replica: ReadonlyMap<string, ReplicaEntry>): readonly Overwritten[] =>
  keys.flatMap(key => {
    const before = replica.get(key)
    return before ? [{key, before, after: undefined, sourceIndex: 0n}] : []
  })

export function* toDeletes(keys: readonly string[]): Generator<BulkItem> {
  for (const key of keys) yield {operation: {verb: 'delete', key}}
}

/** Returns the destination's entry as it was just written. */
export const toReplica = (
  operation: {readonly value: KvValue; readonly flags?: bigint},
  written: KvEntry | undefined,
): ReplicaEntry => ({
  value: Buffer.from(operation.value),
  flags: operation.flags ?? 0n,
  session: written?.session,
  modifyIndex: written?.modifyIndex ?? 0n,
})
