import {type ConsulConfig, type ConsulOptions, ConsulServer} from './consul-server.js'
import {raw} from './raw-consul.js'
import {waitUntil} from './wait-until.js'

/** Configuration for all agents, or a function that returns it for each of them. */
export type NodeConfig = ConsulConfig | ((node: {readonly node: string; readonly role: string}) => ConsulConfig)

export interface ClusterOptions {
  /** Number of servers. @default 3 */
  readonly servers?: number
  /** Number of client agents. @default 0 */
  readonly clients?: number
  /** @default 'dc1' */
  readonly datacenter?: string
  /** Beginning of the nodes' names: `<prefix>server-1`, `<prefix>client-1`. @default '' */
  readonly prefix?: string
  readonly config?: NodeConfig
}

/**
 * Servers and clients of one datacenter. If the system has several loopback addresses, each agent has one
 * of its own.
 */
export class ConsulCluster implements AsyncDisposable {
  readonly datacenter: string
  readonly servers: ConsulServer[] = []
  readonly clients: ConsulServer[] = []
  readonly #options: ClusterOptions
  readonly #net = 1 + Math.floor(Math.random() * 60_000)

  constructor(options: ClusterOptions) {
    this.#options = options
    this.datacenter = options.datacenter ?? 'dc1'
  }

  get agents(): readonly ConsulServer[] {
    return [...this.servers, ...this.clients]
  }
  /** The HTTP address of the first server. */
  get address(): string {
    return this.servers[0]!.address
  }

  /** Returns the leader. If the server that is asked is suspended or dead, asks another one. */
  async leader(): Promise<ConsulServer> {
    return waitUntil(
      async () => {
        for (const server of this.servers.filter(each => each.running)) {
          const leader = String(await raw(server.address).get('/v1/status/leader'))
          const found = this.servers.find(each => `${each.bind}:${each.ports.server}` === leader)
          if (found) return found
        }
        return undefined
      },
      {what: `${this.datacenter} to have a leader`, timeoutMs: 60_000},
    )
  }

  async addServers(count: number): Promise<void> {
    const names = Array.from({length: count}, (_, index) => `${this.#options.prefix ?? ''}server-${index + 1}`)
    this.servers.push(...(await launchAll(names.map((node, index) => this.#optionsOf(node, 'server', index + 1)))))
    const lan = this.servers.map(server => server.lanAddress)
    for (const server of this.servers.slice(1)) await join(server, lan[0]!)
    await this.untilReady(this.servers)
  }

  /** Starts clients, joins them to the first server and waits until all are healthy members. */
  async addClients(count: number): Promise<ConsulServer[]> {
    const from = this.clients.length + 1
    const names = Array.from({length: count}, (_, index) => `${this.#options.prefix ?? ''}client-${from + index}`)
    const added = await launchAll(
      names.map((node, index) => this.#optionsOf(node, 'client', 50 + this.clients.length + index)),
    )
    this.clients.push(...added)
    for (const client of added) await join(client, this.servers[0]!.lanAddress)
    await this.untilReady(added)
    return added
  }

  /** Resolves when each of `agents` knows a leader and all servers report the same number of peers. */
  async untilReady(agents: readonly ConsulServer[] = this.agents): Promise<void> {
    await Promise.all(agents.map(agent => agent.untilReady(60_000)))
    const running = this.servers.filter(server => server.running)
    await waitUntil(
      async () => {
        const peers = await Promise.all(running.map(each => raw(each.address).get('/v1/status/peers')))
        return peers.every((list: unknown[]) => list.length === this.servers.length)
      },
      {what: `${this.datacenter} to have ${this.servers.length} peers`, timeoutMs: 60_000},
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.agents.map(agent => agent[Symbol.asyncDispose]()))
  }

  #optionsOf(node: string, role: 'server' | 'client', host: number): ConsulOptions {
    const own = this.#options.config
    const bind = process.platform === 'linux' ? `127.${1 + (this.#net >> 8)}.${this.#net & 255}.${host}` : '127.0.0.1'
    const extra = typeof own === 'function' ? own({node, role}) : own
    const base = role === 'server' ? {bootstrap_expect: this.#options.servers ?? 3} : {}
    return {role, node, bind, datacenter: this.datacenter, config: {...base, ...extra}}
  }
}

async function launchAll(all: readonly ConsulOptions[]): Promise<ConsulServer[]> {
  const results = await Promise.allSettled(all.map(options => ConsulServer.launch(options)))
  const started = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.find(result => result.status === 'rejected')
  if (!failed) return started
  await Promise.all(started.map(agent => agent[Symbol.asyncDispose]()))
  throw failed.reason
}

const join = (agent: ConsulServer, lanAddress: string): Promise<unknown> =>
  raw(agent.address).ok('PUT', `/v1/agent/join/${lanAddress}`)

/**
 * Starts servers with Raft's default timing, with which a lost leader is replaced after about 10 s, and
 * clients.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<ConsulCluster> {
  const cluster = new ConsulCluster(options)
  try {
    await cluster.addServers(options.servers ?? 3)
    if (options.clients) await cluster.addClients(options.clients)
    return cluster
  } catch (error) {
    await cluster[Symbol.asyncDispose]()
    throw error
  }
}

export interface FederationOptions {
  /** Number of client agents in each datacenter. @default 0 */
  readonly clientsPerDc?: number
  readonly config?: NodeConfig
}

/** Datacenters that are joined over the WAN, each with one server that keeps its data in memory. */
export class ConsulFederation implements AsyncDisposable {
  readonly datacenters: ReadonlyMap<string, ConsulCluster>

  constructor(datacenters: ReadonlyMap<string, ConsulCluster>) {
    this.datacenters = datacenters
  }

  /** Returns the cluster of a datacenter. Throws for an unknown name. */
  dc(name: string): ConsulCluster {
    const cluster = this.datacenters.get(name)
    if (!cluster) throw new Error(`no datacenter ${name} in this federation`)
    return cluster
  }
  /** HTTP address of each datacenter's server. */
  get addresses(): Map<string, string> {
    return new Map([...this.datacenters].map(([name, cluster]) => [name, cluster.address]))
  }

  /** Resolves when every datacenter can reach every other one. */
  async untilJoined(): Promise<void> {
    for (const here of this.datacenters.values())
      for (const there of this.datacenters.keys())
        await waitUntil(
          async () => {
            const names = await raw(here.address).datacenters()
            const nodes = (await raw(here.address).get('/v1/catalog/nodes', {dc: there})) as unknown[]
            return names.length === this.datacenters.size && nodes.length > 0
          },
          {what: `${here.datacenter} to reach ${there}`, timeoutMs: 30_000},
        )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.datacenters.values()].map(cluster => cluster[Symbol.asyncDispose]()))
  }
}

const quick = {performance: {raft_multiplier: 1}}

export async function startFederation(
  names: readonly string[] = ['dc1', 'dc2'],
  options: FederationOptions = {},
): Promise<ConsulFederation> {
  const own = options.config
  const config = (node: {node: string; role: string}): ConsulConfig => ({
    ...quick,
    ...(typeof own === 'function' ? own(node) : own),
  })
  const start = (name: string): Promise<ConsulCluster> =>
    startCluster({servers: 1, clients: options.clientsPerDc ?? 0, datacenter: name, prefix: `${name}-`, config})
  const results = await Promise.allSettled(names.map(start))
  const started = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  const federation = new ConsulFederation(new Map(started.map(cluster => [cluster.datacenter, cluster])))
  try {
    for (const result of results) if (result.status === 'rejected') throw result.reason
    const [first, ...others] = started
    for (const other of others)
      await raw(other.address).ok('PUT', `/v1/agent/join/${first!.servers[0]!.wanAddress}`, {query: {wan: 1}})
    await federation.untilJoined()
    return federation
  } catch (error) {
    await federation[Symbol.asyncDispose]()
    throw error
  }
}
