import type {UserEvent} from '../core/types.js'

/**
 * How an event ended. `done`: it was handled. `seen`: it was listed before the watch began, or was not accepted.
 * `skipped`: its handler was interrupted and may not run again. `coalesced`: a newer event of its name replaced it.
 * `dead`: its last attempt failed.
 */
export type Outcome = 'done' | 'seen' | 'skipped' | 'coalesced' | 'dead'

/** An event that is not handled yet. */
export interface PendingEvent {
  /** The event as the agent listed it. */
  readonly event: UserEvent
  /** True if the event's handler had started before the watch crashed. */
  readonly isRestarted: boolean
}

/** Compares events by Lamport time and then by ID, because two events may have the same time. */
export const byTime = (a: UserEvent, b: UserEvent): number =>
  a.lTime === b.lTime ? (a.id < b.id ? -1 : a.id > b.id ? 1 : 0) : a.lTime < b.lTime ? -1 : 1
