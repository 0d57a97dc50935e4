import type {UserEvent} from '../core/types.js'

/** What became of an event: `seen` was there before the watch began, `coalesced` gave way to a newer one of its name. */
export type Outcome = 'done' | 'seen' | 'skipped' | 'coalesced' | 'dead'

/** An event to be handled. `restarted`: its handler had been started before the watcher died. */
export interface PendingEvent {
  readonly event: UserEvent
  readonly restarted: boolean
}

/** Lamport time first; it may repeat, so the ID decides. */
export const byTime = (a: UserEvent, b: UserEvent): number =>
  a.lTime === b.lTime ? (a.id < b.id ? -1 : a.id > b.id ? 1 : 0) : a.lTime < b.lTime ? -1 : 1
