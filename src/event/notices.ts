import type {UserEvent} from '../core/types.js'

/** Reason why the watch may have missed events. Times are of the wall clock, in milliseconds. */
export type MissedEvents =
  | {
      /**
       * `overflow`: the agent's list is full and contains no known event, so the whole list is newer than the last
       * read. `restart`: the list is not full and lacks events that it contained at the last read, so the agent was
       * restarted.
       */
      readonly reason: 'overflow' | 'restart'
      /** Number of events in the present list. */
      readonly listedCount: number
      /** Time at which the previous list was read; undefined if an earlier watch read it. */
      readonly sinceMs: number | undefined
      /** Time at which the present list was read. Events fired between the two times may have been missed. */
      readonly untilMs: number
    }
  /**
   * A durable log was pruned further than the state has read: the watch never saw the events up to the ID `through`.
   */
  | {readonly reason: 'pruned'; readonly through: string}

/** An entry of a durable log that cannot be handled. */
export interface UnreadableEntry {
  /** The entry's ULID. */
  readonly id: string
  /** What is wrong with it, as a predicate: `is not JSON`. */
  readonly reason: string
}

/**
 * What happens during a watch of events.
 *
 * - `watch.started`: the first list was read, and every later event counts. `listedCount` is its length; `isFiltered` is
 *   true if permissions hide events, as far as Consul says so.
 * - `outage.began`: Consul cannot be read; once for each outage and kind of failure. The watch retries.
 * - `outage.ended`: Consul can be read again.
 * - `events.missed`: events may have passed unseen.
 * - `handler.failed`: an attempt failed, and the events are handled again.
 * - `entry.rejected`: an entry of a durable log is left out for good.
 * - `log.doubted`: a durable log reads as empty, and that is not believed.
 */
export type EventNotice =
  | {readonly type: 'watch.started'; readonly listedCount: number; readonly isFiltered: boolean}
  | {readonly type: 'outage.began'; readonly error: unknown}
  | {readonly type: 'outage.ended'}
  | ({readonly type: 'events.missed'} & MissedEvents)
  | {
      readonly type: 'handler.failed'
      readonly events: readonly UserEvent[]
      /** 1 for the first attempt. */
      readonly attempt: number
      readonly error: unknown
    }
  | ({readonly type: 'entry.rejected'} & UnreadableEntry)
  | {readonly type: 'log.doubted'; readonly reason: string}
