import {linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {isTransient} from '../../core/errors.js'
import {retry} from '../../core/retry.js'
import type {CallOptions, KvOperation} from '../../core/types.js'
import type {Hold} from '../types.js'
import {encodeRuns, parseRuns, type RunRecord, runsKey} from '../wire/run-records.js'
import type {StopRequests} from './run-locked.js'

/** An interval is shortened by a tenth, but at most by this time, because schedulers and clocks are not exact. */
const mostSlackMs = 60_000
/** Time limit of one read of the recorded runs. */
const readWithinMs = 3000
const readAgainMs = 200

/** Resolves to the recorded runs of a lock, newest first. */
export async function readRuns(
  client: ConsulClient,
  prefix: string,
  options: CallOptions & {readonly consistency?: 'consistent'} = {},
): Promise<readonly RunRecord[]> {
  const key = runsKey(prefix)
  const {value: entry} = await client.kv.get(key, options)
  return entry ? parseRuns(key, entry.value) : []
}

/**
 * Returns the write that records one more run. It contains the earlier runs, so only the holder of the lock
 * may send it.
 */
export const recordRun = (prefix: string, newest: RunRecord, earlier: readonly RunRecord[]): KvOperation => ({
  verb: 'set',
  key: runsKey(prefix),
  value: encodeRuns(newest, earlier),
})

/**
 * Returns the run that makes another one unnecessary, whatever its exit code was: the newest run that
 * finished, if its recorded start is less than about one interval away from now. A start in the future, which
 * a wrong clock may have recorded, is treated like one in the past.
 */
export function runWithin(runs: readonly RunRecord[], intervalMs: number, nowMs: number): RunRecord | undefined {
  const newest = runs.find(({end}) => end !== 'stopped')
  if (!newest) return undefined
  const distanceMs = Math.abs(nowMs - Date.parse(newest.startedAt))
  return distanceMs < intervalMs - Math.min(mostSlackMs, intervalMs / 10) ? newest : undefined
}

/**
 * Reads the recorded runs before the lock is requested. If Consul does not answer, resolves to undefined and
 * leaves it to the acquisition to wait or fail.
 */
export async function runAlready(
  client: ConsulClient,
  prefix: string,
  {oncePerMs, signal}: {readonly oncePerMs: number; readonly signal: AbortSignal},
): Promise<RunRecord | undefined> {
  try {
    return runWithin(await readRuns(client, prefix, {signal}), oncePerMs, client.clock.wallMs())
  } catch (error) {
    signal.throwIfAborted()
    if (isTransient(error)) return undefined
    throw error
  }
}

/** Reads until Consul answers, the lock is lost, or a signal stops the command. */
export async function runsUnder(client: ConsulClient, hold: Hold, stops: StopRequests): Promise<readonly RunRecord[]> {
  using link = linkSignal(hold.signal)
  stops.signal.throwIfAborted()
  stops.onEach(() => link.abort(stops.signal.reason))
  const {signal} = link
  const read = (): Promise<readonly RunRecord[]> =>
    readRuns(client, hold.prefix, {signal, consistency: 'consistent', timeoutMs: readWithinMs})
  return await retry(read, {signal, clock: client.clock, backoff: {next: () => readAgainMs}})
}
