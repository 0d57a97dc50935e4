import type {BlockingReadOptions, Clock, ConsulIndex, Random, ReadOptions, Snapshot} from '../types.js'
import {toWritable} from '../writable-snapshot.js'

const defaultWaitMs = 60_000
/**
 * Timeout of one poll in milliseconds. It is shorter than the time that callers allow for a blocking read in addition
 * to its wait time.
 */
const pollTimeoutMs = 9000

/** Describes how to read an endpoint that does not support blocking queries. */
export interface PolledRead<T> {
  /**
   * Mean pause between two reads, in milliseconds. Each pause varies by up to a quarter, and none lasts longer than the
   * wait time that the caller asked for.
   */
  readonly everyMs: number
  /** Returns a text that is equal for equal answers. */
  readonly versionOf: (value: T) => string
  /** Sends one request. */
  readonly read: (options: ReadOptions) => Promise<Snapshot<T>>
}

/**
 * Turns a read that cannot block into one that can: with an index, it repeats the read after each pause until the
 * answer has changed or the wait time is over. The index counts changes and means nothing to Consul.
 */
export function polledRead<T>(
  {clock, random}: {readonly clock: Clock; readonly random: Random},
  {everyMs, versionOf, read}: PolledRead<T>,
): (options: BlockingReadOptions) => Promise<Snapshot<T>> {
  let changes = 0n
  let last: string | undefined
  const poll = async (options: ReadOptions): Promise<Snapshot<T>> => {
    const snapshot = await read(options)
    const version = versionOf(snapshot.value)
    if (version !== last) changes += 1n
    last = version
    return toWritable({...snapshot, index: changes as ConsulIndex})
  }
  return async ({index, waitMs = defaultWaitMs, ...options}) => {
    if (index === undefined) return poll(options)
    const {onFirstByte: _first, idleTimeoutMs: _idle, ...shared} = options
    const endMs = clock.monotonicMs() + waitMs
    for (;;) {
      const leftMs = endMs - clock.monotonicMs()
      await clock.sleep(Math.max(1, Math.min(leftMs, everyMs * (0.75 + random() / 2))), options.signal)
      const snapshot = await poll({...shared, timeoutMs: pollTimeoutMs})
      if (snapshot.index !== index || clock.monotonicMs() >= endMs) return snapshot
    }
  }
}
