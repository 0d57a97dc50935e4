import type {BulkItem} from '../../core/bulk/pack.js'
import {defaultBulkLimits} from '../../core/bulk/pack.js'
import {sendBulk} from '../../core/bulk/send.js'
import type {ConsulClient} from '../../core/client.js'
import type {KvEntry} from '../../core/types.js'
import {confirmAbsent} from '../plan/confirm-absent.js'
import type {Mapping} from '../types.js'
import {hashOf} from './journal.js'
import type {JournalLine} from './journal-lines.js'
import type {JournalPass} from './read-journal.js'

/**
 * The result for one key: it is restored, it already has the earlier content, or it is left alone because it
 * has changed since.
 */
export interface UndoneKey {
  readonly key: string
  readonly outcome: 'restored' | 'same' | 'changed' | 'refused'
  /** True if the key does not exist at present, so that restoring creates it. */
  readonly isCreated: boolean
}

/** The changes of the selected passes to one key, taken together. */
interface KeyHistory {
  readonly mapping: Mapping
  /** The content before the first pass. */
  readonly before: JournalLine
  /** The content that the last pass wrote. */
  readonly after: JournalLine
}

/**
 * Returns, for each key that at least one of the passes changed, its content before the first pass and after
 * the last one.
 */
export function historyOf(passes: readonly JournalPass[]): ReadonlyMap<string, KeyHistory> {
  const histories = new Map<string, KeyHistory>()
  for (const {mapping, lines} of passes) {
    for (const line of lines) {
      histories.set(line.key, {mapping, before: histories.get(line.key)?.before ?? line, after: line})
    }
  }
  return histories
}

/**
 * Reads the keys. Returns for each key whether it still has the content that the passes wrote, and how it
 * would be restored.
 */
export async function planUndo(
  client: ConsulClient,
  histories: ReadonlyMap<string, KeyHistory>,
  signal: AbortSignal,
): Promise<{readonly items: readonly BulkItem[]; readonly keys: ReadonlyMap<string, UndoneKey>}> {
  const {present, absent} = await confirmAbsent(client, [...histories.keys()], {signal})
  const keys = new Map<string, UndoneKey>()
  const items: BulkItem[] = []
  for (const [key, {before, after}] of histories) {
    const entry = present.get(key)
    const isAbsent = absent.has(key)
    const outcome = outcomeOf({before, after, entry, isAbsent})
    keys.set(key, {key, outcome, isCreated: isAbsent})
    if (outcome !== 'restored') continue
    const {value, flags} = before
    items.push({operation: {verb: 'cas', key, value, flags, index: entry?.modifyIndex ?? 0n}})
  }
  return {items, keys}
}

function outcomeOf({
  before,
  after,
  entry,
  isAbsent,
}: {
  readonly before: JournalLine
  readonly after: JournalLine
  readonly entry: KvEntry | undefined
  readonly isAbsent: boolean
}): UndoneKey['outcome'] {
  if (isAbsent) return after.written === undefined ? 'restored' : 'changed'
  // The token may not read the key, so it is unknown whether the key exists.
  if (!entry || entry.session !== undefined) return 'changed'
  if (entry.value.equals(before.value) && entry.flags === before.flags) return 'same'
  return after.written === hashOf(entry.value, entry.flags) ? 'restored' : 'changed'
}

/** Restores keys by compare-and-set. Returns the result for each key. Rejects if Consul cannot be reached. */
export async function restore(
  client: ConsulClient,
  planned: {readonly items: readonly BulkItem[]; readonly keys: ReadonlyMap<string, UndoneKey>},
  signal: AbortSignal,
): Promise<readonly UndoneKey[]> {
  const keys = new Map(planned.keys)
  const failure = await sendBulk(planned.items, {
    client,
    limits: defaultBulkLimits(),
    concurrency: 4,
    stop: signal,
    onCommitted: () => {},
    handleRefused: ({operation: {key}}, error) => {
      const outcome = error.code === 'BATON_CAS_CONFLICT' ? 'changed' : 'refused'
      keys.set(key, {key, outcome, isCreated: keys.get(key)?.isCreated ?? false})
      return 'continue'
    },
  })
  if (failure) throw failure.error
  signal.throwIfAborted()
  return [...keys.values()]
}
