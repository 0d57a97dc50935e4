import {randomBytes} from 'node:crypto'
import type {ConsulClient} from '../../core/client.js'
import {BatonError} from '../../core/errors.js'
import {formatMapping} from '../mapping.js'
import {readStatuses} from '../status/read-statuses.js'
import {isAlive} from '../status/replicator-report.js'
import type {Mapping} from '../types.js'
import {giveNotice, releaseHolds, seenDir, writeHold} from './hold-store.js'
import type {JournalPass} from './read-journal.js'
import {historyOf, planUndo, restore, type UndoneKey} from './undo.js'

export interface UndoOptions {
  /** The passes to undo. They may belong to several mappings. */
  readonly passes: readonly JournalPass[]
  readonly statusDir: string
  /** True for a dry run, which writes nothing. */
  readonly isDryRun: boolean
  readonly signal: AbortSignal
  /**
   * Time in milliseconds within which running replicators must confirm that they have read the undo hold.
   * @default 15000
   */
  readonly answerMs?: number
}

export interface UndoResult {
  readonly keys: readonly UndoneKey[]
  /** ID of the undo hold on the restored keys; undefined if nothing was restored. */
  readonly holdId: string | undefined
}

/**
 * Restores the entries that passes have overwritten and deleted, unless the content at the destination has changed
 * since those passes. Running replicators would change the keys back at once, so each of them first receives the list
 * of keys to leave alone, and nothing is restored before all of them have confirmed the list. If one of them does not,
 * rejects without having restored anything.
 */
export async function undoPasses(client: ConsulClient, options: UndoOptions): Promise<UndoResult> {
  const {passes, statusDir, isDryRun, signal} = options
  const histories = historyOf(passes)
  const planned = await planUndo(client, histories, signal)
  if (isDryRun || planned.items.length === 0) return {keys: [...planned.keys.values()], holdId: undefined}
  const id = randomBytes(4).toString('hex')
  const mappings = new Map<string, {readonly mapping: Mapping; readonly keys: Map<string, bigint>}>()
  for (const {operation} of planned.items) {
    const history = histories.get(operation.key)
    if (!history) continue
    const name = formatMapping(history.mapping)
    const held = mappings.get(name) ?? {mapping: history.mapping, keys: new Map<string, bigint>()}
    mappings.set(name, held)
    held.keys.set(operation.key, history.after.sourceIndex)
  }
  for (const {mapping, keys} of mappings.values()) await writeHold(client, statusDir, {id, mapping, keys}, {signal})
  try {
    await untilSeen(
      client,
      [...mappings.values()].map(({mapping}) => mapping),
      options,
    )
  } catch (error) {
    await releaseHolds(client, {statusDir, id}, {signal})
    throw error
  }
  const keys = await restore(client, planned, signal)
  return {keys, holdId: id}
}

const pollMs = 50

/** Resolves when every running replicator of these mappings has read the undo holds. */
async function untilSeen(client: ConsulClient, mappings: readonly Mapping[], options: UndoOptions): Promise<void> {
  const {statusDir, signal, answerMs = 15_000} = options
  const {clock} = client
  const notice = await giveNotice(client, statusDir, {signal})
  const endMs = clock.monotonicMs() + answerMs
  for (;;) {
    const missing = await findMissing(client, mappings, {statusDir, signal, notice})
    if (missing === undefined) break
    if (clock.monotonicMs() >= endMs) {
      throw new BatonError('BATON_TIMEOUT', `replicate undo: ${missing} does not answer: it would undo the undo`, {
        hint: 'stop it, or wait until it counts as dead (baton replicate status)',
        transient: true,
      })
    }
    await clock.sleep(pollMs, signal)
  }
  await client.kv.deleteTree(seenDir(statusDir), {signal})
}

async function findMissing(
  client: ConsulClient,
  mappings: readonly Mapping[],
  {statusDir, signal, notice}: {readonly statusDir: string; readonly signal: AbortSignal; readonly notice: bigint},
): Promise<string | undefined> {
  const isOurs = (source: string, destination: string): boolean =>
    mappings.some(mapping => mapping.source === source && mapping.destination === destination)
  const {value} = await client.kv.list(seenDir(statusDir), {signal, consistency: 'consistent'})
  const seen = new Map(value.map(entry => [entry.key.slice(seenDir(statusDir).length), entry.value.toString()]))
  const nowMs = client.clock.wallMs()
  for (const {source, destination, replicators} of await readStatuses(client, statusDir, {signal})) {
    if (!isOurs(source, destination)) continue
    const silent = replicators.find(report => isAlive(report, nowMs) && BigInt(seen.get(report.id) ?? '0') < notice)
    if (silent) return `process ${silent.pid} on ${silent.host}`
  }
  return undefined
}
