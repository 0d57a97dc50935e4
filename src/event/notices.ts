import type {UserEvent} from '../core/types.js'

/** Reason why the watch may have missed events. Times are wall-clock times in milliseconds. */
export type MissedEvents =
  | {
      /**
       * `overflow`: the agent's list is full and contains no known event, so every event in it is newer than the last
       * read. `restart`: the list is not full but lacks events that it contained at the last read, so the agent was
       * restarted.
       */
      readonly reason: 'overflow' | 'restart'
      /** Number of events in the current list. */
      readonly listedCount: number
      /** Time at which the previous list was read; undefined if an earlier watch read it. */
      readonly sinceMs: number | undefined
      /** Time at which the current list was read. Events that were fired between the two times may have been missed. */
      readonly untilMs: number
    }
  /** A durable log was pruned further than the watch had read: it never saw the events up to the ID `through`. */
  | {readonly reason: 'pruned'; readonly through: string}

/** An entry of a durable log that cannot be handled. */
export interface UnreadableEntry {
  /** The entry's ULID. */
  readonly id: string
  /** What is wrong with the entry, as a predicate such as `is not JSON`. */
  readonly reason: string
}

/**
 * Notices during a watch of events.
 *
 * - `watch.started`: the first list was read, and the watch notices every later event. `listedCount` is the length of
 *   the list; `isFiltered` is true if Consul says that the token's permissions hide events.
 * - `outage.began`: Consul cannot be read, and the watch retries. Reported once for each kind of failure in an outage.
 * - `outage.ended`: Consul can be read again.
 * - `events.missed`: the watch may have missed events.
 * - `handler.failed`: an attempt failed, and the events are handled again.
 * - `entry.rejected`: an entry of a durable log is left out for good.
 * - `log.doubted`: an answer of Consul says that a durable log is empty. The answer is ignored until it is confirmed.
 */
export type EventNotice =
  | {readonly type: 'watch.started'; readonly listedCount: number; readonly isFiltered: boolean}
  | {readonly type: 'outage.began'; readonly error: unknown}
  | {readonly type: 'outage.ended'}
  | ({readonly type: 'events.missed'} & MissedEvents)
  | {
      readonly type: 'handler.failed'
      readonly events: readonly UserEvent[]
      /** Number of the attempt, from 1. */
      readonly attempt: number
      readonly error: unknown
    }
  | ({readonly type: 'entry.rejected'} & UnreadableEntry)
  | {readonly type: 'log.doubted'; readonly reason: string}
