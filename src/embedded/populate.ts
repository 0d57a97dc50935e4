import {serfHealth} from '../core/consul-constants.js'
import {LocalAgent} from './agent/local-agent.js'
import type {Datacenter} from './datacenter.js'
import {randomUuid} from './uuid.js'

/**
 * A member without a process: it exists only in the catalog, in the list of members, and as a
 * receiver of events.
 */
export interface SimulatedNode {
  /** Name of the node. */
  readonly name: string
  /** Services of the node. Default: none. */
  readonly services?: readonly SimulatedService[]
}

/** A service of a simulated member. */
export interface SimulatedService {
  /** Name of the service. */
  readonly name: string
  /** ID of the service. Default: the name. */
  readonly id?: string
  /** Tags of the service. Default: none. */
  readonly tags?: readonly string[]
  /** Port of the service, 0 to 65535. Default: 0. */
  readonly port?: number
}

const ports = (at: number) => ({rpc: 8300 + 10 * at, serfLan: 8301 + 10 * at, serfWan: 8302 + 10 * at})

export interface Population {
  /** Position of the datacenter. 0 is the local one. */
  readonly at: number
  /** Name of the agent's own node. In other datacenters, the datacenter's name is appended. */
  readonly name: string
  readonly meta: ReadonlyMap<string, string>
  readonly nodes: readonly SimulatedNode[]
}

/** Metadata that every node has. */
const segment = ['consul-network-segment', ''] as const

/** Creates the agent that answers over HTTP and the agents of the simulated nodes, and registers all of them. */
export function populate(datacenter: Datacenter, {at, name, meta, nodes}: Population): void {
  const uuid = (): string => randomUuid(datacenter.random)
  const node = at === 0 ? name : `${name}-${datacenter.name}`
  const server = new LocalAgent({
    home: datacenter,
    node,
    nodeId: uuid(),
    address: '127.0.0.1',
    meta: new Map([segment, ...(at === 0 ? meta : [])]),
    server: true,
    ports: ports(at),
  })
  datacenter.agents.push(server)
  for (const [position, {name: member}] of nodes.entries()) {
    const address = `127.0.${1 + Math.floor(position / 250)}.${1 + (position % 250)}`
    datacenter.agents.push(
      new LocalAgent({
        home: datacenter,
        node: member,
        nodeId: uuid(),
        address,
        meta: new Map([segment]),
        server: false,
        ports: ports(at),
      }),
    )
  }
  for (const agent of datacenter.agents) enroll(agent)
  for (const [position, {services}] of nodes.entries()) {
    const agent = datacenter.agents[position + 1]
    for (const service of services ?? []) {
      agent?.putService({
        node: agent.node,
        id: service.id ?? service.name,
        name: service.name,
        kind: '',
        tags: service.tags ?? [],
        address: '',
        taggedAddresses: undefined,
        meta: undefined,
        port: service.port ?? 0,
        weights: {passing: 1, warning: 1},
        enableTagOverride: false,
      })
    }
  }
}

/**
 * Writes an agent's node, its health check and, for a server, the service `consul` to the catalog.
 */
function enroll(agent: LocalAgent): void {
  const {home, address, node} = agent
  const {state} = home
  const bare = {id: agent.nodeId, name: node, address, datacenter: home.name}
  state.write(batch => {
    state.catalog.putNode(batch, {...bare, taggedAddresses: undefined, meta: undefined})
    if (agent.server) {
      state.catalog.putService(batch, {
        node,
        id: 'consul',
        name: 'consul',
        kind: '',
        tags: [],
        address: '',
        taggedAddresses: undefined,
        meta: new Map([
          ['non_voter', 'false'],
          ['raft_version', '3'],
          ['serf_protocol_current', '2'],
          ['serf_protocol_max', '5'],
          ['serf_protocol_min', '1'],
          ['version', home.profile.version],
        ]),
        port: agent.ports.rpc,
        weights: {passing: 1, warning: 1},
        enableTagOverride: false,
      })
    }
    state.putCheck(batch, {
      node,
      id: serfHealth,
      name: 'Serf Health Status',
      status: 'passing',
      notes: '',
      output: 'Agent alive and reachable',
      serviceId: '',
      serviceName: '',
      serviceTags: [],
      type: '',
      definition: new Map(),
    })
  })
  // The leader registers a node when it joins. The agent adds the rest with its first
  // synchronisation.
  const taggedAddresses = new Map(['lan', 'lan_ipv4', 'wan', 'wan_ipv4'].map(name => [name, address]))
  state.write(batch => state.catalog.putNode(batch, {...bare, taggedAddresses, meta: agent.meta}))
}
