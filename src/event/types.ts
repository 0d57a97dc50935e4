import type {UserEvent} from '../core/types.js'

/**
 * End of an event. `done`: handled. `seen`: listed before the watch began, or not accepted. `skipped`: its handler was
 * interrupted and may not run again. `coalesced`: replaced by a newer event of its name. `dead`: its last attempt
 * failed.
 */
export type Outcome = 'done' | 'seen' | 'skipped' | 'coalesced' | 'dead'

/** An event that is not handled yet. */
export interface PendingEvent {
  /** The event as the agent listed it. */
  readonly event: UserEvent
  /** True if the handler had been started before the watch crashed. */
  readonly isRestarted: boolean
}

/** Compares by Lamport time and then by ID, because two events may have the same time. */
export const byTime = (a: UserEvent, b: UserEvent): number =>
  a.lTime === b.lTime ? (a.id < b.id ? -1 : a.id > b.id ? 1 : 0) : a.lTime < b.lTime ? -1 : 1
