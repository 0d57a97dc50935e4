import {bytes, checkOptions, name as nameRule, text} from '../check-options.js'
import {type Caller, toSnapshot} from '../http/caller.js'
import type {BlockingReadOptions, CallOptions, Snapshot, UserEvent} from '../types.js'
import {decodeJson} from './json.js'

interface RawEvent {
  readonly ID: string
  readonly Name: string
  readonly Payload: string | null
  readonly NodeFilter: string
  readonly ServiceFilter: string
  readonly TagFilter: string
  readonly Version: number
  readonly LTime: bigint
}

/** Filters that select the agents that receive an event. */
export interface EventFilters {
  /** Names of nodes: a regular expression (RE2, unanchored), which each agent applies to itself. */
  readonly node?: string
  /** A regular expression over the IDs of the agent's services (not over their names). */
  readonly service?: string
  /** A regular expression over the tags of the service that matched. */
  readonly tag?: string
}

/** User events. Prefer `fireEvent`, which refuses events that are too large. */
export interface EventApi {
  /** Fires an event. Agents drop an event that is too large for gossip (about 512 bytes in all) without an error. */
  fire(name: string, payload?: Uint8Array, options?: CallOptions & EventFilters): Promise<UserEvent>
  /**
   * Returns the newest 256 events that the agent has, oldest first. The index is random, so only equality of
   * two indexes has a meaning.
   */
  list(options?: BlockingReadOptions & {readonly name?: string}): Promise<Snapshot<readonly UserEvent[]>>
}

function toEvent(raw: RawEvent): UserEvent {
  return {
    id: raw.ID,
    name: raw.Name,
    payload: raw.Payload === null ? undefined : Buffer.from(raw.Payload, 'base64'),
    nodeFilter: raw.NodeFilter,
    serviceFilter: raw.ServiceFilter,
    tagFilter: raw.TagFilter,
    version: raw.Version,
    lTime: raw.LTime,
  }
}

const fireRules = {name: nameRule, payload: bytes, node: text, service: text, tag: text}

export function createEventApi(caller: Caller): EventApi {
  return {
    async fire(name, payload, options = {}) {
      checkOptions('event.fire', {...options, name, payload}, fireRules, ['name'])
      const query = {node: options.node, service: options.service, tag: options.tag}
      const path = `/v1/event/fire/${name.split('/').map(encodeURIComponent).join('/')}`
      const answer = await caller.call({method: 'PUT', path, query, ...(payload && {body: payload})}, options)
      return toEvent(decodeJson<RawEvent>('event fire', answer))
    },
    async list(options = {}) {
      checkOptions('event.list', options, {name: text})
      const answer = await caller.call({method: 'GET', path: '/v1/event/list', query: {name: options.name}}, options)
      return toSnapshot(answer, decodeJson<RawEvent[]>('event list', answer).map(toEvent))
    },
  }
}
