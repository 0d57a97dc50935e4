import type {AgentSelf} from '../../core/api/agent.js'
import {goJson} from '../../core/api/go-json.js'
import type {UserEvent} from '../../core/types.js'

/** The agent that is watched, as handlers see it. */
export type SelfFacts = Pick<AgentSelf, 'datacenter' | 'node' | 'isServer' | 'tags'>

export interface EventFacts {
  readonly self: SelfFacts
  readonly attempt: number
}

/** The variables that do not depend on an event. */
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

/** The index of a list that ends with this event: the halves of its ID, exclusive-or. Only Consul's own IDs give one. */
function indexEnvironment(event: UserEvent | undefined): Record<string, string> {
  if (!event || !uuid.test(event.id)) return {}
  const digits = event.id.replaceAll('-', '')
  return {CONSUL_INDEX: (BigInt(`0x${digits.slice(0, 16)}`) ^ BigInt(`0x${digits.slice(16)}`)).toString()}
}

/** The variables of one event, baton's and those a Serf handler looks for. Added to the watcher's own environment. */
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

/** The variables of a run for several events: what belongs to one of them is left out. */
export const batchEnvironment = (events: readonly UserEvent[], facts: EventFacts): Record<string, string> => ({
  ...selfEnvironment(facts.self),
  ...indexEnvironment(events.at(-1)),
  BATON_EVENT_COUNT: events.length.toString(),
  BATON_EVENT_ATTEMPT: facts.attempt.toString(),
})

/** An event with the names and the order of Consul's own answers. */
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

/** A list of events as `consul watch -type=event` writes it to its handler. */
export const batchInput = (events: readonly UserEvent[]): Buffer => Buffer.from(`${goJson(events.map(toGoEvent))}\n`)

/** What a Serf handler reads: the payload, ended by a newline where there is one at all. */
export function serfInput(payload: Buffer | undefined): Buffer {
  if (!payload || payload.length === 0) return Buffer.alloc(0)
  return payload.at(-1) === newline ? payload : Buffer.concat([payload, Buffer.of(newline)])
}

const newline = 0x0a
