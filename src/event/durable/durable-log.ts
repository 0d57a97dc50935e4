import type {EventFilters} from '../../core/api/event.js'
import type {ConsulClient} from '../../core/client.js'
import {BatonError, messageOf, UsageError} from '../../core/errors.js'
import type {CallOptions, KvEntry, UserEvent} from '../../core/types.js'
import type {UnreadableEntry} from '../notices.js'
import {isUlid} from './ulid.js'

/** `<root><name>/<ulid>` contains one event, `<root><name>/pruned` contains the ID of the newest pruned event. */
const root = 'baton/events/v1/'
const pruneMark = 'pruned'
const nameShape = /^[A-Za-z0-9_.-]+$/

/**
 * Returns the prefix of the log that belongs to a name. Throws a UsageError for a name whose log could overlap with
 * another log.
 */
export function logPrefix(name: string): string {
  if (typeof (name as unknown) !== 'string' || !nameShape.test(name) || name === '.' || name === '..') {
    throw new UsageError(`'${name}' is not a valid name for a durable event`, {
      hint: "use letters, digits, '_', '-' and '.'",
      details: {option: 'name'},
    })
  }
  return `${root}${name}/`
}

export const logKey = (name: string, id: string): string => `${logPrefix(name)}${id}`
export const pruneMarkKey = (name: string): string => `${logPrefix(name)}${pruneMark}`

interface Envelope {
  readonly v: 1
  readonly name: string
  /** The payload in base64; absent if it is empty. */
  readonly payload?: string
  readonly node?: string
  readonly service?: string
  readonly tag?: string
}

/** Returns the value of an entry's key. */
export function encodeEntry(name: string, payload: Uint8Array, {node, service, tag}: EventFilters): Buffer {
  const envelope: Envelope = {
    v: 1,
    name,
    ...(payload.length > 0 && {payload: Buffer.from(payload).toString('base64')}),
    ...(node !== undefined && {node}),
    ...(service !== undefined && {service}),
    ...(tag !== undefined && {tag}),
  }
  return Buffer.from(JSON.stringify(envelope))
}

/**
 * Converts an entry to an event. The entry's ULID becomes the event's ID, and its CreateIndex replaces the Lamport
 * time.
 */
function decodeEntry(id: string, entry: KvEntry): UserEvent {
  const envelope = JSON.parse(entry.value.toString()) as Partial<Envelope> | null
  if (typeof envelope !== 'object' || envelope === null || typeof envelope.name !== 'string') {
    throw new Error('is not an event')
  }
  if (envelope.v !== 1) throw new Error(`has version ${String(envelope.v)}, this baton knows version 1`)
  const {payload, node = '', service = '', tag = ''} = envelope
  return {
    id,
    name: envelope.name,
    payload: payload === undefined ? undefined : Buffer.from(payload, 'base64'),
    nodeFilter: node,
    serviceFilter: service,
    tagFilter: tag,
    version: 1,
    lTime: entry.createIndex,
  }
}

export interface EventLog {
  /** Events in the order in which Consul created them. */
  readonly events: readonly UserEvent[]
  readonly unreadable: readonly UnreadableEntry[]
  /** IDs of events and of entries that cannot be read, oldest first, with the ModifyIndex of their keys. */
  readonly keys: readonly {readonly id: string; readonly modifyIndex: bigint}[]
  /** ID of the newest pruned entry. */
  readonly prunedThrough: string | undefined
  /** ModifyIndex of the key that contains `prunedThrough`; 0 if there is no such key. */
  readonly markIndex: bigint
}

/**
 * Reads a log from one answer. An entry is never written again after its creation, so all readers see the entries
 * appear in the order of their CreateIndex. An answer that contains an entry therefore also contains all earlier ones.
 * The order of ULIDs does not have this property, because the clocks of writers differ.
 */
export function readLog(name: string, list: readonly KvEntry[]): EventLog {
  const prefix = logPrefix(name)
  const idOf = ({key}: KvEntry): string => key.slice(prefix.length)
  const entries = list
    .filter(entry => isUlid(idOf(entry)))
    .toSorted((a, b) =>
      a.createIndex === b.createIndex ? (a.key < b.key ? -1 : 1) : a.createIndex < b.createIndex ? -1 : 1,
    )
  const events: UserEvent[] = []
  const unreadable: UnreadableEntry[] = []
  for (const entry of entries) {
    try {
      events.push(decodeEntry(idOf(entry), entry))
    } catch (error) {
      unreadable.push({id: idOf(entry), reason: error instanceof SyntaxError ? 'is not JSON' : messageOf(error)})
    }
  }
  const mark = list.find(entry => idOf(entry) === pruneMark)
  return {
    events,
    unreadable,
    keys: entries.map(entry => ({id: idOf(entry), modifyIndex: entry.modifyIndex})),
    prunedThrough: mark && parsePruneMark(mark.value),
    markIndex: mark?.modifyIndex ?? 0n,
  }
}

export const encodePruneMark = (id: string): Buffer => Buffer.from(JSON.stringify({v: 1, through: id}))

function parsePruneMark(value: Buffer): string | undefined {
  try {
    const {through} = JSON.parse(value.toString()) as {through?: unknown}
    return typeof through === 'string' && isUlid(through) ? through : undefined
  } catch {
    return undefined
  }
}

/** Payload of the event that announces an entry. */
export const encodeHint = (key: string): Buffer => Buffer.from(JSON.stringify({baton: 'durable', v: 1, key}))

/** Parses the payload of an event that announces an entry. Returns undefined for any other payload. */
function parseHint(payload: Uint8Array): {readonly key: string; readonly id: string} | undefined {
  try {
    const {baton, v, key} = JSON.parse(Buffer.from(payload).toString()) as Partial<Record<string, unknown>>
    if (baton !== 'durable' || v !== 1 || typeof key !== 'string') return undefined
    const [, name = '', id = ''] = /^baton\/events\/v1\/([^/]+)\/([^/]+)$/.exec(key) ?? []
    return nameShape.test(name) && isUlid(id) ? {key, id} : undefined
  } catch {
    return undefined
  }
}

/**
 * Reads the durable event that an event with this payload announces, for watchers that do not follow the log. Resolves
 * with undefined if the payload announces no durable event.
 */
export async function readHinted(
  client: Pick<ConsulClient, 'kv'>,
  payload: Uint8Array,
  options: CallOptions,
): Promise<UserEvent | undefined> {
  const hint = parseHint(payload)
  if (!hint) return undefined
  const {value: entry} = await client.kv.get(hint.key, options)
  if (!entry) throw new BatonError('BATON_NOT_FOUND', `key ${hint.key}: the event is no longer in its log`)
  try {
    return decodeEntry(hint.id, entry)
  } catch (error) {
    throw new BatonError('BATON_REFUSED', `key ${hint.key}: ${messageOf(error)}`, {cause: error})
  }
}
