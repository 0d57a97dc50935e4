import type {BulkItem} from '../../core/bulk/pack.js'
import type {KvEntry, KvValue} from '../../core/types.js'
import type {ReplicaEntry, SetChange} from '../plan/plan.js'
import type {Overwritten} from '../undo/journal.js'

type Copies = ReadonlyMap<string, ReplicaEntry>

/**
 * Yields the operations that write the changed keys. If `copies` is given, each key is written only if it still has the
 * ModifyIndex in `copies`.
 */
export function* toSets(changes: readonly SetChange[], copies?: Copies): Generator<BulkItem> {
  for (const {key, entry} of changes) {
    const {value, flags, modifyIndex: group} = entry
    const index = copies && (copies.get(key)?.modifyIndex ?? 0n)
    yield {
      operation: index === undefined ? {verb: 'set', key, value, flags} : {verb: 'cas', key, value, flags, index},
      group,
    }
  }
}

/** Returns the entries that the changes overwrite. */
export const overwritten = (
  changes: readonly SetChange[],
  replica: ReadonlyMap<string, ReplicaEntry>,
): readonly Overwritten[] =>
  changes.flatMap(({key, entry}) => {
    const before = replica.get(key)
    return before ? [{key, before, after: entry, sourceIndex: entry.modifyIndex}] : []
  })

/** Returns the entries that the deletes remove. */
export const deleted = (keys: readonly string[], replica: ReadonlyMap<string, ReplicaEntry>): readonly Overwritten[] =>
  keys.flatMap(key => {
    const before = replica.get(key)
    return before ? [{key, before, after: undefined, sourceIndex: 0n}] : []
  })

/**
 * Yields the operations that delete the keys. If `copies` is given, each key is deleted only if it still has the
 * ModifyIndex in `copies`.
 */
export function* toDeletes(keys: readonly string[], copies?: Copies): Generator<BulkItem> {
  for (const key of keys) {
    const index = copies?.get(key)?.modifyIndex
    yield {operation: index === undefined ? {verb: 'delete', key} : {verb: 'delete-cas', key, index}}
  }
}

/** Returns the destination's entry after a change has written it. */
export const toReplica = (
  operation: {readonly value: KvValue; readonly flags?: bigint},
  written: KvEntry | undefined,
): ReplicaEntry => ({
  value: Buffer.from(operation.value),
  flags: operation.flags ?? 0n,
  session: written?.session,
  modifyIndex: written?.modifyIndex ?? 0n,
})
