import {linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {isTransient} from '../../core/errors.js'
import {retry} from '../../core/retry.js'
import type {CallOptions, KvOperation} from '../../core/types.js'
import type {Hold} from '../types.js'
import {encodeRuns, parseRuns, type RunRecord, runsKey} from '../wire/run-records.js'
import type {StopRequests} from './run-locked.js'

/**
 * Maximum by which an interval is shortened. It is a tenth shorter than requested, because schedulers and clocks are
 * not exact.
 */
const mostSlackMs = 60_000
/** Time limit of one read of the runs. */
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
 * Returns the write that records one more run. Only the holder of the lock may send it, with the earlier runs that it
 * has read.
 */
export const recordRun = (prefix: string, newest: RunRecord, earlier: readonly RunRecord[]): KvOperation => ({
  verb: 'set',
  key: runsKey(prefix),
  value: encodeRuns(newest, earlier),
})

/**
 * Returns the run because of which the command must not run again within the interval: the newest run that has
 * finished, whatever its exit code was. A run whose recorded start is further away from now than the interval does not
 * count, not even if it is in the future because of a wrong clock.
 */
export function runWithin(runs: readonly RunRecord[], intervalMs: number, nowMs: number): RunRecord | undefined {
  const newest = runs.find(({end}) => end !== 'stopped')
  if (!newest) return undefined
  const distanceMs = Math.abs(nowMs - Date.parse(newest.startedAt))
  return distanceMs < intervalMs - Math.min(mostSlackMs, intervalMs / 10) ? newest : undefined
}

/**
 * Reads the runs before the lock is requested. Resolves to undefined if Consul does not answer: then the acquisition
 * decides what happens.
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
