import {boolean, checkOptions, count, name as nameRule, text} from '../check-options.js'
import {type Caller, toSnapshot} from '../http/caller.js'
import type {BlockingReadOptions, CheckInfo, NodeInfo, ReadOptions, ServiceInstance, Snapshot} from '../types.js'
import {decodeJson} from './json.js'

interface RawNode {
  readonly ID: string
  readonly Node: string
  readonly Address: string
  readonly Datacenter: string
  readonly TaggedAddresses: Readonly<Record<string, string>> | null
  readonly Meta: Readonly<Record<string, string>> | null
  readonly ModifyIndex: bigint
}
/** A check as the agent and the catalog send it. */
export interface RawCheck {
  readonly Node: string
  readonly CheckID: string
  readonly Name: string
  readonly Status: string
  readonly Output: string
  readonly ServiceID: string
  readonly ServiceName: string
  readonly ModifyIndex: bigint
}
interface RawHealthService {
  readonly Node: RawNode
  readonly Service: {
    readonly ID: string
    readonly Service: string
    readonly Tags: readonly string[] | null
    readonly Address: string
    readonly Port: number
    readonly Weights?: {readonly Passing: number; readonly Warning: number} | null
    readonly Meta: Readonly<Record<string, string>> | null
    readonly ModifyIndex: bigint
  }
  readonly Checks: readonly RawCheck[]
}

interface RawNodeServices {
  readonly Node: RawNode
  readonly Services: Readonly<Record<string, RawHealthService['Service'] & {readonly EnableTagOverride?: boolean}>>
}

interface RawPreparedQuery {
  readonly Service: string
  readonly Datacenter: string
  readonly Failovers: number
  readonly Nodes: readonly RawHealthService[] | null
}

/** Options that select instances of a service. */
export interface HealthServiceOptions extends BlockingReadOptions {
  /** Only instances whose checks all pass. @default false */
  readonly passing?: boolean
  /** Only instances that carry this tag. @default all instances */
  readonly tag?: string
  /**
   * Name of a node, or `_agent` for the agent that receives the request: the instances nearest to it come first.
   * @default no particular order
   */
  readonly near?: string
}

/** Options for executing a prepared query. */
export interface PreparedQueryOptions extends ReadOptions {
  /**
   * Name of a node, or `_agent` for the agent that receives the request: the instances nearest to it come first.
   * @default the query's own setting
   */
  readonly near?: string
  /** Maximum number of instances. Without `near`, Consul chooses them at random. @default all */
  readonly limit?: number
}

/** A service of one node, without its checks. */
export interface NodeService {
  /** ID of the instance, unique on the node. */
  readonly id: string
  /** Name of the service. */
  readonly service: string
  /** Tags, as they were registered. */
  readonly tags: readonly string[]
  /** The address of the service; empty if it uses the node's address. */
  readonly address: string
  /** Port; 0 if it has none. */
  readonly port: number
  /** Metadata by name. */
  readonly meta: Readonly<Record<string, string>>
  /** True if the agent leaves tags that clients have changed in the catalog, instead of restoring its own. */
  readonly enableTagOverride: boolean
}

/** A node with its services. */
export interface NodeServices {
  /** The node. */
  readonly node: NodeInfo
  /** The services of the node, in no particular order. */
  readonly services: readonly NodeService[]
}

/** The result of a prepared query. */
export interface PreparedQueryResult {
  /** The name of the service that the query asks for. */
  readonly service: string
  /** The datacenter that answered. */
  readonly datacenter: string
  /** Number of datacenters without instances that were tried before this one. */
  readonly failovers: number
  /** The instances, in the order of the query. */
  readonly instances: readonly ServiceInstance[]
}

/**
 * Nodes, services and checks in the catalog of the servers. A read with an `index` blocks, except for `datacenters` and
 * `preparedQuery`.
 */
export interface CatalogApi {
  /** Names of all known datacenters, the nearest first. The answer carries no index. */
  datacenters(options?: BlockingReadOptions): Promise<Snapshot<readonly string[]>>
  /** All nodes. */
  nodes(options?: BlockingReadOptions): Promise<Snapshot<readonly NodeInfo[]>>
  /** A node with its services; undefined if there is no node of this name. */
  node(name: string, options?: BlockingReadOptions): Promise<Snapshot<NodeServices | undefined>>
  /** The name of each service with the union of the tags of its instances. */
  services(options?: BlockingReadOptions): Promise<Snapshot<ReadonlyMap<string, readonly string[]>>>
  /** The instances of a service, each with its own checks and those of its node. */
  service(name: string, options?: HealthServiceOptions): Promise<Snapshot<readonly ServiceInstance[]>>
  /** All checks in a state: `any`, `passing`, `warning` or `critical`. */
  checksInState(state: string, options?: BlockingReadOptions): Promise<Snapshot<readonly CheckInfo[]>>
  /** The checks of all instances of a service, without those of their nodes. */
  checksOfService(name: string, options?: BlockingReadOptions): Promise<Snapshot<readonly CheckInfo[]>>
  /** The checks of a node and of all services on it. */
  checksOfNode(node: string, options?: BlockingReadOptions): Promise<Snapshot<readonly CheckInfo[]>>
  /**
   * Executes a prepared query by its name or ID, with failover to other datacenters if the query says so. The
   * answer carries no index. Rejects with a NotFoundError if there is no such query.
   */
  preparedQuery(nameOrId: string, options?: PreparedQueryOptions): Promise<Snapshot<PreparedQueryResult>>
}

const toNode = (raw: RawNode): NodeInfo => ({
  id: raw.ID,
  node: raw.Node,
  address: raw.Address,
  datacenter: raw.Datacenter,
  taggedAddresses: raw.TaggedAddresses ?? {},
  meta: raw.Meta ?? {},
  modifyIndex: raw.ModifyIndex,
})

/** Converts a check to this library's field names. */
export const toCheck = (raw: RawCheck): CheckInfo => ({
  node: raw.Node,
  checkId: raw.CheckID,
  name: raw.Name,
  status: raw.Status,
  output: raw.Output,
  serviceId: raw.ServiceID,
  serviceName: raw.ServiceName,
  modifyIndex: raw.ModifyIndex,
})

const toInstance = (raw: RawHealthService): ServiceInstance => ({
  node: toNode(raw.Node),
  serviceId: raw.Service.ID,
  serviceName: raw.Service.Service,
  tags: raw.Service.Tags ?? [],
  address: raw.Service.Address === '' ? raw.Node.Address : raw.Service.Address,
  ownAddress: raw.Service.Address,
  port: raw.Service.Port,
  meta: raw.Service.Meta ?? {},
  weights: {passing: raw.Service.Weights?.Passing ?? 1, warning: raw.Service.Weights?.Warning ?? 1},
  modifyIndex: raw.Service.ModifyIndex,
  checks: raw.Checks.map(toCheck),
})

const toNodeServices = (raw: RawNodeServices | null): NodeServices | undefined =>
  raw === null
    ? undefined
    : {
        node: toNode(raw.Node),
        services: Object.values(raw.Services).map(service => ({
          id: service.ID,
          service: service.Service,
          tags: service.Tags ?? [],
          address: service.Address,
          port: service.Port,
          meta: service.Meta ?? {},
          enableTagOverride: service.EnableTagOverride ?? false,
        })),
      }

const toQueryResult = (raw: RawPreparedQuery): PreparedQueryResult => ({
  service: raw.Service,
  datacenter: raw.Datacenter,
  failovers: raw.Failovers,
  instances: (raw.Nodes ?? []).map(toInstance),
})

const queryRules = {nameOrId: nameRule, near: text, limit: count({min: 1})}
const serviceRules = {name: nameRule, passing: boolean, tag: text, near: text}

async function readNode(
  caller: Caller,
  name: string,
  options?: BlockingReadOptions,
): Promise<Snapshot<NodeServices | undefined>> {
  checkOptions('catalog.node', {name}, {name: nameRule}, ['name'])
  const path = `/v1/catalog/node/${encodeURIComponent(name)}`
  const answer = await caller.call({method: 'GET', path}, options)
  return toSnapshot(answer, toNodeServices(decodeJson<RawNodeServices | null>(path, answer)))
}

export function createCatalogApi(caller: Caller): CatalogApi {
  async function read<Raw, T>(
    path: string,
    decode: (raw: Raw) => T,
    options?: BlockingReadOptions,
  ): Promise<Snapshot<T>> {
    const answer = await caller.call({method: 'GET', path}, options)
    return toSnapshot(answer, decode(decodeJson<Raw>(path, answer)))
  }
  const checks = (path: string, options?: BlockingReadOptions): Promise<Snapshot<readonly CheckInfo[]>> =>
    read<RawCheck[], CheckInfo[]>(path, raw => raw.map(toCheck), options)

  return {
    datacenters: options => read<string[], string[]>('/v1/catalog/datacenters', names => names, options),
    nodes: options => read<RawNode[], NodeInfo[]>('/v1/catalog/nodes', raw => raw.map(toNode), options),
    node: (name, options) => readNode(caller, name, options),
    services: options =>
      read<Record<string, string[]>, ReadonlyMap<string, readonly string[]>>(
        '/v1/catalog/services',
        raw => new Map(Object.entries(raw)),
        options,
      ),
    async service(name, options = {}) {
      checkOptions('catalog.service', {...options, name}, serviceRules, ['name'])
      const query = {passing: options.passing === true ? '1' : undefined, tag: options.tag, near: options.near}
      const path = `/v1/health/service/${encodeURIComponent(name)}`
      const answer = await caller.call({method: 'GET', path, query}, options)
      return toSnapshot(answer, decodeJson<RawHealthService[]>(path, answer).map(toInstance))
    },
    async checksInState(state, options) {
      checkOptions('catalog.checksInState', {state}, {state: nameRule}, ['state'])
      return checks(`/v1/health/state/${encodeURIComponent(state)}`, options)
    },
    async checksOfService(name, options) {
      checkOptions('catalog.checksOfService', {name}, {name: nameRule}, ['name'])
      return checks(`/v1/health/checks/${encodeURIComponent(name)}`, options)
    },
    async checksOfNode(node, options) {
      checkOptions('catalog.checksOfNode', {node}, {node: nameRule}, ['node'])
      return checks(`/v1/health/node/${encodeURIComponent(node)}`, options)
    },
    async preparedQuery(nameOrId, options = {}) {
      checkOptions('catalog.preparedQuery', {...options, nameOrId}, queryRules, ['nameOrId'])
      const {near, limit, ...rest} = options
      const path = `/v1/query/${encodeURIComponent(nameOrId)}/execute`
      const answer = await caller.call({method: 'GET', path, query: {near, limit: limit?.toString()}}, rest)
      return toSnapshot(answer, toQueryResult(decodeJson<RawPreparedQuery>(path, answer)))
    },
  }
}
