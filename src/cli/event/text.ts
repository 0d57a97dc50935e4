import type {UserEvent} from '../../core/types.js'

const plain = /^[\p{L}\p{N}\p{P}\p{S} ]*$/u

/** Returns a payload for people: unchanged if it is printable text, otherwise as base64. */
function shownPayload(payload: Buffer | undefined): string {
  if (payload === undefined || payload.length === 0) return '-'
  const text = payload.toString('utf8')
  return plain.test(text) && Buffer.from(text).equals(payload) ? text : `base64:${payload.toString('base64')}`
}

/** Returns one line for an event: ID, Lamport time, name, filters (if any), payload. */
export function eventRow(event: UserEvent): string {
  const filters = [
    ['node', event.nodeFilter],
    ['service', event.serviceFilter],
    ['tag', event.tagFilter],
  ].flatMap(([name, filter = '']) => (filter === '' ? [] : [`${name ?? ''}~${filter}`]))
  return [event.id, event.lTime.toString().padStart(6), event.name, ...filters, shownPayload(event.payload)].join('  ')
}

/** Returns one event as a line of `--ndjson`. 64-bit numbers are strings, the payload is base64. */
export const eventLine = (event: UserEvent, payload: Buffer | undefined): string =>
  JSON.stringify({
    v: 1,
    id: event.id,
    name: event.name,
    payload: payload?.toString('base64') ?? null,
    ltime: event.lTime.toString(),
    nodeFilter: event.nodeFilter,
    serviceFilter: event.serviceFilter,
    tagFilter: event.tagFilter,
  })
