/**
 * Measures what each capability costs Consul, at rest and at work, for fleets of several sizes: `npm run bench:scale`,
 * or `SIZES=1,20 WINDOW=60 npm run bench:scale -- lock responder` for some. Each node of a fleet is a client of the
 * library in this process, with connections of its own. Consul is a server, and a client agent for each 100 nodes. Prints
 * a row for each capability and size. Needs `consul` and Linux. The counts hardly depend on the machine.
 */
import {setMaxListeners} from 'node:events'
import {chmodSync, mkdtempSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {startCluster} from '../../kit/consul-cluster.js'
import {raw} from '../../kit/raw-consul.js'
import {CountingProxy, type Traffic} from '../replicate/counting-proxy.js'
import {capabilities} from './capabilities.js'
import {type Capability, Clients} from './capability.js'

const sizes = (process.env['SIZES'] ?? '1,20,200,1000').split(',').map(Number)
const windowSeconds = Number(process.env['WINDOW'] ?? 60)
const settleMs = 10_000
/** Nodes at one agent. On a cluster, each has an agent of its own, which this machine cannot run. */
const nodesOfAgent = 100
/** How often the work is repeated. */
const rounds = 5
const wanted = process.argv.slice(2)

async function logIndex(address: string): Promise<number> {
  const self = (await raw(address).get('/v1/agent/self')) as {Stats: {raft: {last_log_index: string}}}
  return Number(self.Stats.raft.last_log_index)
}

const shown = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0))
const row = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`)

interface Cost extends Traffic {
  readonly entries: number
}

/** A counting proxy for each agent. */
class Proxies implements AsyncDisposable {
  readonly #all: readonly CountingProxy[]

  private constructor(all: readonly CountingProxy[]) {
    this.#all = all
  }

  static async start(agents: readonly string[]): Promise<Proxies> {
    return new Proxies(await Promise.all(agents.map(address => CountingProxy.start(address))))
  }

  get addresses(): readonly string[] {
    return this.#all.map(proxy => proxy.address)
  }

  /** Returns the traffic of all since the last call. */
  async take(): Promise<Traffic> {
    const sum = {requests: 0, connections: 0, bytesIn: 0, bytesOut: 0}
    for (const traffic of await Promise.all(this.#all.map(proxy => proxy.take()))) {
      sum.requests += traffic.requests
      sum.connections += traffic.connections
      sum.bytesIn += traffic.bytesIn
      sum.bytesOut += traffic.bytesOut
    }
    return sum
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map(proxy => proxy[Symbol.asyncDispose]()))
  }
}

function openFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bench-scale-'))
  chmodSync(folder, 0o777)
  return folder
}

async function measure({name, unit, start, isWhole}: Capability, count: number): Promise<void> {
  await using cluster = await startCluster({
    servers: 1,
    clients: Math.ceil(count / nodesOfAgent),
    config: {limits: {http_max_conns_per_client: 10_000}},
  })
  const server = cluster.servers[0]!
  const agents = cluster.clients.map(agent => agent.address)
  await using proxies = await Proxies.start(agents)
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  await using counted = new Clients(proxies.addresses)
  await using direct = new Clients(agents)
  const take = async (act: () => Promise<unknown>): Promise<Cost> => {
    const before = await logIndex(server.address)
    await proxies.take()
    await act()
    const traffic = await proxies.take()
    return {...traffic, entries: (await logIndex(server.address)) - before}
  }
  const idle = await take(() => sleep(15_000))
  const idlePerSecond = idle.entries / 15
  const fleet = await start({count, node: counted.make, outside: direct.make(), signal: stop.signal})
  await sleep(settleMs)
  const rest = await take(() => sleep(windowSeconds * 1000))
  const startedAt = performance.now()
  const work = await take(async () => {
    for (let round = 0; round < rounds; round += 1) await fleet.work()
    // The queries that follow a change are counted, too.
    await sleep(2000)
  })
  const seconds = (performance.now() - startedAt) / 1000
  const perMinute = 60 / windowSeconds / count
  const perRound = 1 / rounds / (isWhole ? 1 : count)
  row([
    name,
    String(count),
    shown(rest.requests * perMinute),
    shown(Math.max(0, rest.entries - idlePerSecond * windowSeconds) * perMinute),
    shown(rest.connections / count),
    shown((rest.bytesIn + rest.bytesOut) * perMinute),
    unit,
    shown(work.requests * perRound),
    shown(Math.max(0, work.entries - idlePerSecond * seconds) * perRound),
    shown((work.bytesIn + work.bytesOut) * perRound),
  ])
  stop.abort()
}

row([
  'capability',
  'nodes',
  'at rest, a node and minute: requests',
  'entries',
  'connections',
  'bytes',
  'work',
  'requests',
  'entries',
  'bytes',
])
row(Array.from({length: 10}, () => '---'))
// Contenders of one host would form a line, in which only the first asks Consul. A directory that is open to others
// prevents that.
process.env['TMPDIR'] = openFolder()
const chosen = capabilities.filter(({name}) => wanted.length === 0 || wanted.some(word => name.startsWith(word)))
for (const count of sizes) {
  for (const capability of chosen) {
    await measure(capability, count).catch((error: unknown) => {
      console.log(`${capability.name}, ${count} nodes: ${String(error)}`)
    })
  }
}
process.exit(0)
