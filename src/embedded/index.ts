import {UsageError} from '../core/errors.js'
import {whyNotListening} from '../core/listen-error.js'
import {noopLogger} from '../core/log.js'
import {systemClock, systemRandom} from '../core/time/clock.js'
import {AclStore} from './acl/store.js'
import {MovableClock} from './clock.js'
import {type Cluster, routeTo} from './cluster.js'
import {Datacenter} from './datacenter.js'
import type {DnsDoor} from './dns/server.js'
import {findRoute} from './endpoints/router.js'
import {createFaultPanel, type FaultPanel} from './fault-panel.js'
import {Faults} from './faults.js'
import {toBytes} from './go/bytes.js'
import {type HttpDoor, openDoor} from './http/server.js'
import {checkAgentOptions, defaultName, type EmbeddedAgentOptions} from './options.js'
import {populate} from './populate.js'
import {profileOf} from './profile.js'

export type {ScriptRunner} from './checks/probe.js'
export type {EmbeddedSnapshot, EmbeddedStatistics, FaultPanel} from './fault-panel.js'
export type {FaultRule} from './faults.js'
export type {EmbeddedAgentOptions, SeedKey} from './options.js'
export type {SimulatedNode, SimulatedService} from './populate.js'

/** A running agent. Disposing it closes all connections and discards its data. */
export interface EmbeddedAgent extends AsyncDisposable {
  /** HTTP address of the first datacenter: `http://host:port`. */
  readonly address: string
  /** HTTP address by datacenter. */
  readonly addresses: ReadonlyMap<string, string>
  /** The management token; undefined unless ACLs are enabled. */
  readonly managementToken?: string
  /** Port of the DNS server, for UDP and TCP; undefined unless DNS is enabled. */
  readonly dnsPort?: number
  /** Injects faults, and advances the agent's time. */
  readonly faults: FaultPanel
}

/**
 * Starts an agent in memory that answers as Consul 1.8.7 does. Resolves when it accepts connections. Rejects with a
 * UsageError if an option is invalid or a port is taken.
 *
 * @example
 * ```ts
 * await using agent = await startEmbeddedAgent()
 * await using client = createClient({address: agent.address})
 * await client.kv.put('a', Buffer.from('1'))
 * const {value: names} = await client.kv.keys('')
 * names // => ['a']
 * ```
 */
export async function startEmbeddedAgent(options: EmbeddedAgentOptions = {}): Promise<EmbeddedAgent> {
  checkAgentOptions(options)
  const host = options.host ?? '127.0.0.1'
  const names = options.datacenters ?? ['dc1']
  const cluster = createCluster(options, names)
  const locals = [...cluster.datacenters.values()]
  const local = locals[0] as Datacenter
  for (const {key, value, flags} of options.seed ?? []) {
    local.state.write(batch => local.state.kv.put(batch, {key: toBytes(key), value, flags}))
  }
  const pristine = new Map(locals.map(datacenter => [datacenter.name, datacenter.state.save()]))
  const doors = await openDoors(cluster, host, options.port ?? 0)
  const dns = await openDns(cluster, host, options.dnsPort).catch(async (error: unknown) => {
    await doors.close()
    throw error
  })
  const shown = host.includes(':') ? `[${host}]` : host
  const addresses = new Map([...doors.ports].map(([name, port]) => [name, `http://${shown}:${port}`]))
  const token = options.acl?.managementToken
  let closing: Promise<void> | undefined
  return {
    address: addresses.get(local.name) as string,
    addresses,
    ...(token === undefined ? {} : {managementToken: token}),
    ...(dns && {dnsPort: dns.port}),
    faults: createFaultPanel({cluster, local, doors, pristine}),
    [Symbol.asyncDispose]: () => {
      closing ??= Promise.all([doors.close(), dns?.[Symbol.asyncDispose]()]).then(() => {
        for (const datacenter of locals) datacenter[Symbol.dispose]()
      })
      return closing
    },
  }
}

const metaOf = ({nodeMeta = {}}: EmbeddedAgentOptions): ReadonlyMap<string, string> => new Map(Object.entries(nodeMeta))

function createCluster(options: EmbeddedAgentOptions, names: readonly string[]): Cluster {
  const clock = new MovableClock(options.clock ?? systemClock)
  const random = options.random ?? systemRandom
  const profile = profileOf(options.like)
  const datacenters = new Map(
    names.map(name => [name, new Datacenter({name, clock, random, profile, runScript: options.runScript})]),
  )
  for (const [at, datacenter] of [...datacenters.values()].entries()) {
    const nodes = at === 0 ? (options.nodes ?? []) : []
    populate(datacenter, {at, name: options.name ?? defaultName, meta: metaOf(options), nodes})
  }
  return {
    clock,
    random,
    logger: options.logger ?? noopLogger,
    faults: new Faults(clock),
    datacenters,
    profile,
    acl: options.acl && new AclStore(options.acl.managementToken, random, clock),
    route: (from, name) => routeTo(datacenters, from, name),
  }
}

async function openDns(cluster: Cluster, host: string, port: number | undefined): Promise<DnsDoor | undefined> {
  if (port === undefined) return undefined
  const {datacenters, random} = cluster
  const [home] = datacenters.values()
  if (!home) return undefined
  const {openDnsDoor} = await import('./dns/server.js')
  try {
    return await openDnsDoor({host, port, random, zone: {home, datacenters}})
  } catch (error) {
    throw new UsageError(`embedded agent: cannot answer DNS on ${host}:${port}`, {
      cause: error,
      hint: 'choose another port, or 0 for any free one',
    })
  }
}

interface Doors {
  readonly ports: ReadonlyMap<string, number>
  drop(): void
  reopen(between: () => void): Promise<void>
  close(): Promise<void>
}

async function openDoors(cluster: Cluster, host: string, firstPort: number): Promise<Doors> {
  const open = new Map<string, HttpDoor>()
  const ports = new Map<string, number>()
  const openAll = async (): Promise<void> => {
    for (const [at, home] of [...cluster.datacenters.values()].entries()) {
      const {name, server} = home
      const port = ports.get(name) ?? (at === 0 ? firstPort : 0)
      const door = await openDoor({host, port, agent: server, home, cluster, findRoute})
      open.set(name, door)
      ports.set(name, door.port)
    }
  }
  const close = async (): Promise<void> => {
    const doors = [...open.values()]
    open.clear()
    await Promise.all(doors.map(door => door[Symbol.asyncDispose]()))
  }
  try {
    await openAll()
  } catch (error) {
    await close()
    throw new UsageError(`embedded agent: cannot listen on ${host}:${firstPort}: ${whyNotListening(error)}`, {
      cause: error,
      hint: 'choose another address, or port 0 for any free one',
    })
  }
  return {
    ports,
    drop: () => {
      for (const door of open.values()) door.dropConnections()
    },
    reopen: async between => {
      await close()
      between()
      await openAll()
    },
    close,
  }
}
