import type {Caller} from '../http/caller.js'
import type {CallOptions} from '../types.js'
import {decodeJson, encodeJson} from './json.js'

/** What the agent says about itself. */
export interface AgentSelf {
  readonly datacenter: string
  readonly node: string
  readonly version: string
  readonly isServer: boolean
  /** What the agent tells the other members of itself. */
  readonly tags: Readonly<Record<string, string>>
  /** Lamport time of the next user event, as far as this agent knows. */
  readonly eventTime?: bigint
}

/** A member of the gossip pool, as the agent sees it. */
export interface Member {
  readonly name: string
  readonly address: string
  /** `alive`, `leaving`, `left`, `failed`, else `none`. */
  readonly status: string
  readonly tags: Readonly<Record<string, string>>
}

/** One of the agent's own services. */
export interface LocalService {
  readonly id: string
  readonly name: string
  readonly tags: readonly string[]
}

/** A service of the agent that is asked. */
export interface ServiceRegistration {
  readonly id: string
  readonly name: string
  readonly tags?: readonly string[]
  readonly port?: number
  readonly meta?: Readonly<Record<string, string>>
  /** A check that turns critical unless it is passed again within this time. */
  readonly ttlMs?: number
  /** The agent removes the service after it has been critical this long (a minute at least). */
  readonly deregisterAfterMs?: number
}

/** The agent itself, its members and its services. */
export interface AgentApi {
  self(options?: CallOptions): Promise<AgentSelf>
  members(options?: CallOptions): Promise<readonly Member[]>
  /** The agent's own services. */
  services(options?: CallOptions): Promise<readonly LocalService[]>
  registerService(service: ServiceRegistration, options?: CallOptions): Promise<void>
  deregisterService(id: string, options?: CallOptions): Promise<void>
  /** Passes the TTL check of a service registered with `ttlMs`. */
  passService(id: string, note?: string, options?: CallOptions): Promise<void>
}

const memberStates = ['none', 'alive', 'leaving', 'left', 'failed']

export function createAgentApi(caller: Caller): AgentApi {
  return {
    async self(options) {
      const answer = await caller.call({method: 'GET', path: '/v1/agent/self'}, options)
      const {Config, Member, Stats} = decodeJson<{
        Config: {Datacenter: string; NodeName: string; Version: string; Server: boolean}
        Member?: {Tags?: Record<string, string>}
        Stats?: {serf_lan?: {event_time?: string}}
      }>('agent self', answer)
      const time = Stats?.serf_lan?.event_time ?? ''
      return {
        datacenter: Config.Datacenter,
        node: Config.NodeName,
        version: Config.Version,
        isServer: Config.Server,
        tags: Member?.Tags ?? {},
        ...(/^\d+$/.test(time) && {eventTime: BigInt(time)}),
      }
    },
    async members(options) {
      const answer = await caller.call({method: 'GET', path: '/v1/agent/members'}, options)
      const raw = decodeJson<{Name: string; Addr: string; Status: number; Tags: Record<string, string>}[]>(
        'agent members',
        answer,
      )
      return raw.map(member => ({
        name: member.Name,
        address: member.Addr,
        status: memberStates[member.Status] ?? 'none',
        tags: member.Tags,
      }))
    },
    async services(options) {
      const answer = await caller.call({method: 'GET', path: '/v1/agent/services'}, options)
      const raw = decodeJson<Record<string, {ID: string; Service: string; Tags: string[] | null}>>(
        'agent services',
        answer,
      )
      return Object.values(raw).map(({ID, Service, Tags}) => ({id: ID, name: Service, tags: Tags ?? []}))
    },
    async registerService(service, options) {
      const check = service.ttlMs !== undefined && {
        CheckID: `service:${service.id}`,
        TTL: `${service.ttlMs}ms`,
        Status: 'passing',
        ...(service.deregisterAfterMs !== undefined && {
          DeregisterCriticalServiceAfter: `${service.deregisterAfterMs}ms`,
        }),
      }
      const body = encodeJson({
        ID: service.id,
        Name: service.name,
        Tags: service.tags ?? [],
        Port: service.port,
        Meta: service.meta,
        ...(check && {Check: check}),
      })
      await caller.call({method: 'PUT', path: '/v1/agent/service/register', body}, options)
    },
    async deregisterService(id, options) {
      const path = `/v1/agent/service/deregister/${encodeURIComponent(id)}`
      await caller.call({method: 'PUT', path, accept: [200, 404]}, options)
    },
    async passService(id, note, options) {
      const path = `/v1/agent/check/pass/${encodeURIComponent(`service:${id}`)}`
      await caller.call({method: 'PUT', path, query: {note}}, options)
    },
  }
}
