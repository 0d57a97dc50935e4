/**
 * `consul-baton/event`: user events, and durable events that are kept in the key-value store.
 *
 * @module consul-baton/event
 */
export {type FireDurableOptions, type FiredDurably, fireDurable} from '../event/durable/durable-fire.js'
export {type Keep, pruneEvents} from '../event/durable/durable-prune.js'
export {type DurableWatchOptions, watchDurable} from '../event/durable/durable-watch.js'
export {
  type EventStreamOptions,
  type FollowEventsOptions,
  followDurable,
  followEvents,
} from '../event/follow-events.js'
export {EventState, type StateIdentity} from '../event/intake/event-state.js'
export type {EventIntakeOptions, StartPoint} from '../event/intake/intake.js'
export type {EventNotice, MissedEvents, UnreadableEntry} from '../event/notices.js'
export {type Fired, type FireOptions, fireEvent} from '../event/ring/fire.js'
export {judgeSize, maxPayload, type SizeVerdict} from '../event/ring/size.js'
export {resolvePayload} from '../event/ring/spill.js'
export {type EventWatchOptions, watchEvents} from '../event/ring/watcher.js'
export type {EventStream} from '../event/stream.js'
export type {Outcome, PendingEvent} from '../event/types.js'
