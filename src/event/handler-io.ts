import type {AgentSelf} from '../core/api/agent.js'
import {goJson} from '../core/api/go-json.js'
import type {UserEvent} from '../core/types.js'

/** Who is watching, as handlers see it. */
export type SelfFacts = Pick<AgentSelf, 'datacenter' | 'node' | 'isServer'>

export interface EventFacts {
  readonly self: SelfFacts
  readonly attempt: number
  /** X-Consul-Index of the list the event came with, where it is known. */
  readonly index?: bigint
}

const selfEnvironment = (self: SelfFacts): Record<string, string> => ({
  BATON_EVENT_DC: self.datacenter,
  BATON_EVENT_NODE: self.node,
  SERF_SELF_NAME: self.node,
  SERF_SELF_ROLE: self.isServer ? 'consul' : 'node',
})

/** The variables of one event, baton's and those a Serf handler looks for. Added to the watcher's own environment. */
export function eventEnvironment(event: UserEvent, facts: EventFacts): Record<string, string> {
  return {
    ...selfEnvironment(facts.self),
    ...(facts.index !== undefined && {CONSUL_INDEX: facts.index.toString()}),
    BATON_EVENT_ID: event.id,
    BATON_EVENT_NAME: event.name,
    BATON_EVENT_LTIME: event.lTime.toString(),
    BATON_EVENT_ATTEMPT: facts.attempt.toString(),
    SERF_EVENT: 'user',
    SERF_USER_EVENT: event.name,
    SERF_USER_LTIME: event.lTime.toString(),
  }
}

/** The variables of a run for several events: what belongs to one of them is left out. */
export const batchEnvironment = (events: readonly UserEvent[], facts: EventFacts): Record<string, string> => ({
  ...selfEnvironment(facts.self),
  ...(facts.index !== undefined && {CONSUL_INDEX: facts.index.toString()}),
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

/** What a Serf handler reads: the payload and a newline. */
export const serfInput = (payload: Buffer | undefined): Buffer =>
  Buffer.concat([payload ?? Buffer.alloc(0), Buffer.from('\n')])
