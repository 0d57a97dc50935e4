import {UsageError} from '../core/errors.js'
import type {UserEvent} from '../core/types.js'
import {isUlid} from './durable/ulid.js'

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i
const lamportTime = /^\d{1,20}$/

/** The events of a list that come after another event. */
export interface EventsSince {
  readonly events: readonly UserEvent[]
  /**
   * False if the list does not contain the other event. Then all listed events may be newer than that event, and the
   * agent may have dropped others in between.
   */
  readonly isListed: boolean
}

/**
 * Returns the events after the one with the ID `since`, or those with a later Lamport time than `since`. Throws a
 * UsageError if `since` is neither an ID nor a time.
 */
export function eventsSince(events: readonly UserEvent[], since: string): EventsSince {
  if (lamportTime.test(since)) {
    const time = BigInt(since)
    return {events: events.filter(({lTime}) => lTime > time), isListed: true}
  }
  if (!uuid.test(since) && !isUlid(since)) {
    throw new UsageError('`since` is neither the ID of an event nor a Lamport time', {
      details: {option: 'since', expected: 'an ID or a Lamport time', value: since.slice(0, 20)},
    })
  }
  const at = events.findIndex(({id}) => id.toLowerCase() === since.toLowerCase())
  return {events: events.slice(at + 1), isListed: at >= 0}
}
