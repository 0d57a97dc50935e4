import type {AgentSelf} from '../../core/api/agent.js'
import {goJson} from '../../core/api/go-json.js'
import type {UserEvent} from '../../core/types.js'

/** Facts of the watched agent that handlers receive. */
export type SelfFacts = Pick<AgentSelf, 'datacenter' | 'node' | 'isServer' | 'tags'>

export interface EventFacts {
  readonly self: SelfFacts
  readonly attempt: number
}

/** Returns the environment variables that do not depend on an event. */
export function selfEnvironment(self: SelfFacts): Record<string, string> {
  const tags = Object.entries(self.tags).map(
    ([name, value]) => [`SERF_TAG_${name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')}`, value] as const,
  )
  return {
    ...Object.fromEntries(tags),
    BATON_EVENT_DC: self.datacenter,
    BATON_EVENT_NODE: self.node,
    SERF_SELF_NAME: self.node,
    SERF_SELF_ROLE: self.tags['role'] ?? (self.isServer ? 'consul' : 'node'),
  }
}

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/**
 * Returns the environment variable that contains the index of a list of events whose last event is `event`. Consul
 * computes this index as the exclusive-or of the two halves of the ID. Only Consul's own events have such an index.
 */
function indexEnvironment(event: UserEvent | undefined): Record<string, string> {
  if (!event || !uuid.test(event.id)) return {}
  const digits = event.id.replaceAll('-', '')
  return {CONSUL_INDEX: (BigInt(`0x${digits.slice(0, 16)}`) ^ BigInt(`0x${digits.slice(16)}`)).toString()}
}

/**
 * Returns the variables that a handler of one event gets in addition to the watcher's environment: baton's own and
 * Serf's.
 */
export const eventEnvironment = (event: UserEvent, facts: EventFacts): Record<string, string> => ({
  ...selfEnvironment(facts.self),
  ...indexEnvironment(event),
  BATON_EVENT_ID: event.id,
  BATON_EVENT_NAME: event.name,
  BATON_EVENT_LTIME: event.lTime.toString(),
  BATON_EVENT_ATTEMPT: facts.attempt.toString(),
  SERF_EVENT: 'user',
  SERF_USER_EVENT: event.name,
  SERF_USER_LTIME: event.lTime.toString(),
})

/** Returns the environment variables of a handler of several events, without those that describe a single event. */
export const batchEnvironment = (events: readonly UserEvent[], facts: EventFacts): Record<string, string> => ({
  ...selfEnvironment(facts.self),
  ...indexEnvironment(events.at(-1)),
  BATON_EVENT_COUNT: events.length.toString(),
  BATON_EVENT_ATTEMPT: facts.attempt.toString(),
})

/** Returns an event with the field names and field order of Consul's answers. */
export const toGoEvent = (event: UserEvent) => ({
  ID: event.id,
  Name: event.name,
  Payload: event.payload?.toString('base64') ?? null,
  NodeFilter: event.nodeFilter,
  ServiceFilter: event.serviceFilter,
  TagFilter: event.tagFilter,
  Version: event.version,
  LTime: event.lTime,
})

/** Returns a list of events in the form in which `consul watch -type=event` writes it to its handler. */
export const batchInput = (events: readonly UserEvent[]): Buffer => Buffer.from(`${goJson(events.map(toGoEvent))}\n`)

/** Returns the stdin of a Serf handler: the payload followed by a newline, or nothing if there is no payload. */
export function serfInput(payload: Buffer | undefined): Buffer {
  if (!payload || payload.length === 0) return Buffer.alloc(0)
  return payload.at(-1) === newline ? payload : Buffer.concat([payload, Buffer.of(newline)])
}

const newline = 0x0a
