import {brief} from '../../core/brief.js'
import type {ConsulClient} from '../../core/client.js'
import {ConflictError, UsageError} from '../../core/errors.js'
import {parseDuration} from '../../core/time/duration.js'
import type {CallOptions, KvOperation} from '../../core/types.js'
import {checkPrune} from '../call-rules.js'
import {type EventLog, encodePruneMark, logKey, logPrefix, pruneMarkKey, readLog} from './durable-log.js'
import {ulidTimeMs} from './ulid.js'

/**
 * The entries that pruning keeps: the newest `count`, or those younger than `ageMs` according to the clocks of their
 * writers.
 */
export type Keep = {readonly count: number} | {readonly ageMs: number}

/** Reads what to keep: `1000` is a number of entries, `168h` an age. */
export function parseKeep(text: string, what: string): Keep {
  const keep = /^\d+$/.test(text) ? {count: Number(text)} : {ageMs: parseDuration(text, what)}
  if (('count' in keep ? keep.count : keep.ageMs) <= 0) {
    throw new UsageError(`${what}: '${brief(text)}' would keep nothing`, {
      hint: 'give a number of events, or an age as 168h',
    })
  }
  return keep
}

/** Number of entries that one transaction deletes. The same transaction also records the newest pruned entry. */
const perTransaction = 60
const rivalsAtMost = 5

/**
 * Deletes the oldest entries of a log and resolves with their number. No remaining entry is older than a deleted one.
 * The same transactions record the newest deleted entry, so a watcher that had not seen a deleted entry can report the
 * gap, although it cannot get the entry back. Rejects with BATON_CAS_CONFLICT if other clients keep pruning.
 *
 * @example
 * ```ts
 * for (let n = 0; n < 5; n += 1) await fireDurable(client, 'nightly')
 * await pruneEvents(client, 'nightly', {count: 2}) // => 3
 * ```
 */
export async function pruneEvents(
  client: Pick<ConsulClient, 'kv' | 'txn' | 'clock'>,
  name: string,
  keep: Keep,
  options: CallOptions = {},
): Promise<number> {
  checkPrune('pruneEvents', {client, name, keep}, options)
  let deleted = 0
  for (let rivals = 0; rivals < rivalsAtMost; ) {
    const {value} = await client.kv.list(logPrefix(name), {...options, consistency: 'consistent'})
    const log = readLog(name, value)
    const old = oldEnd(log, keep, client.clock.wallMs()).slice(0, perTransaction)
    const last = old.at(-1)
    if (!last) return deleted
    const result = await client.txn.commit(
      [
        {verb: 'cas', key: pruneMarkKey(name), value: encodePruneMark(last.id), index: log.markIndex},
        ...old.map(
          ({id, modifyIndex}): KvOperation => ({verb: 'delete-cas', key: logKey(name, id), index: modifyIndex}),
        ),
      ],
      options,
    )
    if (result.committed) deleted += old.length
    else rivals += 1
  }
  throw new ConflictError('BATON_CAS_CONFLICT', `event ${name}: other clients keep pruning the same log`)
}

function oldEnd({keys}: EventLog, keep: Keep, nowMs: number): EventLog['keys'] {
  if ('count' in keep) return keys.slice(0, Math.max(0, keys.length - keep.count))
  const staying = keys.findIndex(({id}) => nowMs - ulidTimeMs(id) <= keep.ageMs)
  return staying < 0 ? keys : keys.slice(0, staying)
}
