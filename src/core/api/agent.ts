import {boolean, checkOptions, count, duration, name as nameRule, object, oneOf, text, texts} from '../check-options.js'
import {UsageError} from '../errors.js'
import {type Answer, badAnswer, type Caller} from '../http/caller.js'
import type {CallOptions, CheckInfo} from '../types.js'
import {type RawCheck, toCheck} from './catalog.js'
import {decodeJson, encodeJson} from './json.js'

/** Facts that the agent reports about itself. */
export interface AgentSelf {
  /** The agent's datacenter. */
  readonly datacenter: string
  /** The name of the agent's node. */
  readonly node: string
  /** The version of Consul, such as `1.8.7`. */
  readonly version: string
  /** True if the agent is a server. */
  readonly isServer: boolean
  /** Tags that the agent gossips about itself. */
  readonly tags: Readonly<Record<string, string>>
  /** Lamport time of the next user event, as far as this agent knows. */
  readonly eventTime?: bigint
}

/** A member of the gossip pool, as the agent sees it. */
export interface Member {
  /** The name of the node. */
  readonly name: string
  /** The address that the node gossips from. */
  readonly address: string
  /** The port that the node gossips from. */
  readonly port: number
  /** The state of the member: `alive`, `leaving`, `left` or `failed`; `none` for any other state. */
  readonly status: string
  /** Tags that the member gossips about itself. */
  readonly tags: Readonly<Record<string, string>>
}

/** One of the agent's own services. */
export interface LocalService {
  /** The ID of the service, unique on the agent. */
  readonly id: string
  /** The name that the instances of a service share. */
  readonly name: string
  /** Tags of this instance. */
  readonly tags: readonly string[]
  /** The port of this instance; 0 if it has none. */
  readonly port: number
  /** The address of this instance; empty if it uses the node's address. */
  readonly address: string
  /** Metadata of this instance. */
  readonly meta: Readonly<Record<string, string>>
}

/** A check that the agent runs itself. Exactly one of `http`, `tcp` and `args` is given. */
export interface AgentCheck {
  /** URL to GET: 2xx is passing, 429 warning, anything else critical. */
  readonly http?: string
  /** `host:port` to connect to. */
  readonly tcp?: string
  /**
   * A program and its arguments: exit code 0 is passing, 1 warning, anything else critical. Agents refuse such checks
   * by default.
   */
  readonly args?: readonly string[]
  /** Time between two runs in milliseconds. */
  readonly intervalMs: number
  /** Time in milliseconds after which a run counts as critical. @default the agent's, 10 s (30 s for programs) */
  readonly timeoutMs?: number
}

/** A service to be registered with the agent. */
export interface ServiceRegistration {
  /** The ID of the service; another service with this ID on the agent is replaced. */
  readonly id: string
  /** The name that the instances of a service share. */
  readonly name: string
  /** Tags of the service. @default no tags */
  readonly tags?: readonly string[]
  /** The port of the service. @default 0, which means that the service has no port */
  readonly port?: number
  /** The address of the service. @default the node's address */
  readonly address?: string
  /** Metadata of the service. @default no metadata */
  readonly meta?: Readonly<Record<string, string>>
  /**
   * Adds a TTL check that turns critical if `passService` is not called within this many milliseconds.
   * @default no check
   */
  readonly ttlMs?: number
  /** State of the TTL check until it is first set. @default 'passing' */
  readonly state?: CheckState
  /** Checks that the agent runs itself, critical until their first run. @default none */
  readonly checks?: readonly AgentCheck[]
  /**
   * Milliseconds (at least a minute) for which a check must be critical before the agent removes the service.
   * @default never
   */
  readonly deregisterAfterMs?: number
}

/** The agent itself, the members of its gossip pool, and its services. */
export interface AgentApi {
  /** Returns the facts that the agent reports about itself. */
  self(options?: CallOptions): Promise<AgentSelf>
  /**
   * Returns the members of the gossip pool of the datacenter, as this agent sees them. With `wan`, returns the members
   * of the WAN pool, which contains the servers of all datacenters; a client agent returns none.
   */
  members(options?: CallOptions & {readonly wan?: boolean}): Promise<readonly Member[]>
  /** Returns the agent's own services. */
  services(options?: CallOptions): Promise<readonly LocalService[]>
  /** Returns the checks that are registered with this agent, for its node and for its services. */
  checks(options?: CallOptions): Promise<readonly CheckInfo[]>
  /** Registers a service with this agent. Replaces a service that has the same ID. */
  registerService(service: ServiceRegistration, options?: CallOptions): Promise<void>
  /** Removes a service from this agent. Succeeds if no service has this ID. */
  deregisterService(id: string, options?: CallOptions): Promise<void>
  /** Sets the TTL check of a service registered with `ttlMs` to passing; the note becomes the check's output. */
  passService(id: string, note?: string, options?: CallOptions): Promise<void>
  /**
   * Sets the state of the TTL check with this ID; the note becomes the check's output. The check of a service
   * that was registered with `ttlMs` is `service:<ID of the service>`. Rejects with a ConsulError if the
   * agent has no such check.
   */
  setCheck(checkId: string, state: CheckState, options?: CallOptions & {readonly note?: string}): Promise<void>
  /** Makes a service of this agent or, if no service is named, the whole node critical until `endMaintenance`. */
  startMaintenance(options?: CallOptions & MaintenanceOptions): Promise<void>
  /** Ends the maintenance that `startMaintenance` began. Succeeds if no maintenance is in effect. */
  endMaintenance(options?: CallOptions & Pick<MaintenanceOptions, 'service'>): Promise<void>
}

/** States that a check can be set to. */
export type CheckState = 'passing' | 'warning' | 'critical'

/** What to put into maintenance, and the reason. */
export interface MaintenanceOptions {
  /** ID of a service of this agent. @default the node itself */
  readonly service?: string
  /**
   * The reason, for people to read in the notes of the check that Consul adds for the maintenance.
   * @default Consul's own sentence
   */
  readonly reason?: string
}

const checkVerbs: Readonly<Record<CheckState, string>> = {passing: 'pass', warning: 'warn', critical: 'fail'}
const maintenanceRules = {service: nameRule, reason: text}
const checkState = oneOf(Object.keys(checkVerbs))
/** Validation rules for the state of a check and for its note. */
export const checkStateRules = {state: checkState, note: text}
const memberStates = ['none', 'alive', 'leaving', 'left', 'failed']
/** Validation rules for a service to be registered. */
export const registrationRules = {
  id: nameRule,
  name: nameRule,
  tags: texts,
  port: count({min: 0, max: 65_535}),
  address: text,
  meta: object,
  ttlMs: duration({minMs: 1}),
  state: checkState,
  checks: {expected: 'an array of checks', accepts: Array.isArray},
  deregisterAfterMs: duration({minMs: 1}),
} as const

function toSelf(answer: Answer): AgentSelf {
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
}

function toMembers(answer: Answer): readonly Member[] {
  const raw = decodeJson<{Name: string; Addr: string; Port: number; Status: number; Tags: Record<string, string>}[]>(
    'agent members',
    answer,
  )
  return raw.map(member => ({
    name: member.Name,
    address: member.Addr,
    port: member.Port,
    status: memberStates[member.Status] ?? 'none',
    tags: member.Tags,
  }))
}

interface RawLocalService {
  readonly ID: string
  readonly Service: string
  readonly Tags: string[] | null
  readonly Port: number
  readonly Address: string
  readonly Meta: Record<string, string> | null
}

const toLocalServices = (answer: Answer): readonly LocalService[] =>
  Object.values(decodeJson<Record<string, RawLocalService>>('agent services', answer)).map(raw => ({
    id: raw.ID,
    name: raw.Service,
    tags: raw.Tags ?? [],
    port: raw.Port,
    address: raw.Address,
    meta: raw.Meta ?? {},
  }))

const agentCheckRules = {
  http: nameRule,
  tcp: nameRule,
  args: texts,
  intervalMs: duration({minMs: 1}),
  timeoutMs: duration({minMs: 1}),
}

function demandCheck(check: AgentCheck): void {
  const what = 'agent.registerService: checks'
  checkOptions(what, {check}, {check: object}, ['check'])
  checkOptions(what, check, agentCheckRules, ['intervalMs'])
  const kinds = [check.http, check.tcp, check.args].filter(kind => kind !== undefined)
  if (kinds.length !== 1) throw new UsageError(`${what}: expected exactly one of \`http\`, \`tcp\` and \`args\``)
}

const encodeCheck = ({http, tcp, args, intervalMs, timeoutMs}: AgentCheck): object => ({
  HTTP: http,
  TCP: tcp,
  Args: args,
  Interval: `${intervalMs}ms`,
  ...(timeoutMs !== undefined && {Timeout: `${timeoutMs}ms`}),
})

function encodeService(service: ServiceRegistration): Buffer {
  const {id, name, tags = [], port, address, meta, ttlMs, state = 'passing', checks = [], deregisterAfterMs} = service
  const removal = deregisterAfterMs !== undefined && {DeregisterCriticalServiceAfter: `${deregisterAfterMs}ms`}
  const ttl = ttlMs !== undefined && {CheckID: `service:${id}`, TTL: `${ttlMs}ms`, Status: state, ...removal}
  return encodeJson({
    ID: id,
    Name: name,
    Tags: tags,
    Port: port,
    Address: address,
    Meta: meta,
    ...(ttl && {Check: ttl}),
    ...(checks.length > 0 && {Checks: checks.map(check => ({...encodeCheck(check), ...removal}))}),
  })
}

export function createAgentApi(caller: Caller): AgentApi {
  const get = (path: string, options?: CallOptions): Promise<Answer> => caller.call({method: 'GET', path}, options)
  return {
    self: async options => toSelf(await get('/v1/agent/self', options)),
    async members({wan, ...options} = {}) {
      checkOptions('agent.members', {wan}, {wan: boolean})
      return toMembers(
        await caller.call(
          {method: 'GET', path: '/v1/agent/members', query: {wan: wan === true ? '1' : undefined}},
          options,
        ),
      )
    },
    services: async options => toLocalServices(await get('/v1/agent/services', options)),
    async checks(options) {
      const raw = decodeJson<Record<string, RawCheck>>('agent checks', await get('/v1/agent/checks', options))
      return Object.values(raw).map(toCheck)
    },
    async registerService(service, options) {
      checkOptions('agent.registerService', service, registrationRules, ['id', 'name'])
      for (const check of service.checks ?? []) demandCheck(check)
      const body = encodeService(service)
      const answer = await caller.call({method: 'PUT', path: '/v1/agent/service/register', body}, options)
      // Consul answers with an empty body. Any other body means that another program answered and nothing was
      // registered.
      if (answer.body.length > 0) throw badAnswer('agent service register', answer)
    },
    async deregisterService(id, options) {
      checkOptions('agent.deregisterService', {id}, {id: nameRule}, ['id'])
      const path = `/v1/agent/service/deregister/${encodeURIComponent(id)}`
      await caller.call({method: 'PUT', path, accept: [200, 404]}, options)
    },
    async passService(id, note, options) {
      checkOptions('agent.passService', {id, note}, {id: nameRule, note: text}, ['id'])
      const path = `/v1/agent/check/pass/${encodeURIComponent(`service:${id}`)}`
      await caller.call({method: 'PUT', path, query: {note}}, options)
    },
    ...createHealthWrites(caller),
  }
}

type HealthWrites = Pick<AgentApi, 'setCheck' | 'startMaintenance' | 'endMaintenance'>

function createHealthWrites(caller: Caller): HealthWrites {
  async function maintain(options: CallOptions & MaintenanceOptions, isEnabled: boolean): Promise<void> {
    const {service, reason, ...call} = options
    const place = service === undefined ? 'maintenance' : `service/maintenance/${encodeURIComponent(service)}`
    const query = {enable: String(isEnabled), reason}
    await caller.call({method: 'PUT', path: `/v1/agent/${place}`, query}, call)
  }
  return {
    async setCheck(checkId, state, options = {}) {
      const {note, ...call} = options
      const rules = {checkId: nameRule, ...checkStateRules}
      checkOptions('agent.setCheck', {checkId, state, note}, rules, ['checkId', 'state'])
      const path = `/v1/agent/check/${checkVerbs[state]}/${encodeURIComponent(checkId)}`
      await caller.call({method: 'PUT', path, query: {note}}, call)
    },
    async startMaintenance(options = {}) {
      checkOptions('agent.startMaintenance', options, maintenanceRules)
      await maintain(options, true)
    },
    async endMaintenance(options = {}) {
      checkOptions('agent.endMaintenance', options, maintenanceRules)
      await maintain(options, false)
    },
  }
}
