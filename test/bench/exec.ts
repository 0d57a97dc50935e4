/**
 * Compares `baton exec` with `consul exec` in one run, on real agents, where `baton exec` runs commands both through
 * the remote execution of the agents and through responders. Measures the time of `uptime`, of large output and of a
 * fleet of simulated responders, entries in Consul's log for a silent job, and requests of idle responders. Needs
 * `consul` on the PATH. Run it on a quiet machine: AGENTS=1,4 ROUNDS=10 SILENT=60 FLEET=1000 npm run bench:exec --
 * [uptime output drip silent idle fleet processes]
 */
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createClient} from '../../src/core/client.js'
import {createInitiator} from '../../src/exec/initiator/initiator.js'
import {generateKey} from '../../src/exec/native/keys.js'
import buildOnce from '../kit/build-once.js'
import {type ConsulCluster, startCluster} from '../kit/consul-cluster.js'
import type {ConsulServer} from '../kit/consul-server.js'
import {HttpProxy} from '../kit/http-proxy.js'
import {raw} from '../kit/raw-consul.js'
import {cliPath, runCommand, startCli, startCommand} from '../kit/run-cli.js'

const numberOf = (name: string, fallback: number): number => Number(process.env[name] ?? fallback)
const sizes = (process.env.AGENTS ?? '1,4').split(',').map(Number)
const rounds = numberOf('ROUNDS', 10)
const silentSeconds = numberOf('SILENT', 60)
const fleetSize = numberOf('FLEET', 1000)
const wanted = process.argv.slice(2)
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const load = (): string => readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 2).join(' ')
const isWanted = (part: string): boolean => wanted.length === 0 || wanted.includes(part)

const home = mkdtempSync(join(tmpdir(), 'bench-exec-'))
const key = generateKey('bench', 0)
const keyFile = join(home, 'bench.key.json')
writeFileSync(keyFile, key.privateFile, {mode: 0o600})
mkdirSync(join(home, 'trust'), {mode: 0o755})
writeFileSync(join(home, 'trust/bench.json'), key.publicFile, {mode: 0o644})

type Command = readonly [string, ...string[]]
interface Contender {
  readonly name: string
  readonly command: (...words: string[]) => Command
}
const baton = [process.execPath, cliPath, 'exec', '--ack-timeout', '30s', '--max-output', '0', '--pin', 'off'] as const
const theirs: Contender = {name: 'consul exec', command: (...words) => ['consul', 'exec', ...words]}
const ours: readonly Contender[] = [
  {name: 'baton, agents', command: (...words) => [...baton, '--via', 'rexec', ...words]},
  {name: 'baton, responders', command: (...words) => [...baton, '--via', 'native', '--key', keyFile, ...words]},
]

async function timeOnce(cluster: ConsulCluster, [file, ...args]: Command): Promise<number> {
  const started = process.hrtime.bigint()
  const {exitCode, stdout, stderr} = await runCommand(file, args, {agent: cluster})
  const nodes = cluster.agents.length
  if (exitCode !== 0 || !stdout.includes(`${nodes} / ${nodes} node(s)`)) {
    throw new Error(`${file} ${args.join(' ')}: exit ${exitCode}: ${stdout.slice(-500)} ${stderr.slice(-500)}`)
  }
  return Number(process.hrtime.bigint() - started) / 1e6
}

/** Measures the tools in turn, again and again, so that a change of the load affects each of them. */
async function compare(cluster: ConsulCluster, words: readonly string[], times: number): Promise<void> {
  const all = [theirs, ...ours]
  const measured = all.map((): number[] => [])
  for (const contender of all) await timeOnce(cluster, contender.command(...words))
  for (let round = 0; round < times; round += 1) {
    for (const [at, contender] of all.entries()) {
      measured[at]?.push(await timeOnce(cluster, contender.command(...words)))
    }
  }
  const [first = []] = measured
  for (const [at, {name}] of all.entries()) {
    const ratio = median((measured[at] ?? []).map((ms, round) => ms / (first[round] ?? Number.NaN)))
    say(`  ${name}: ${median(measured[at] ?? []).toFixed(0)} ms, ${ratio.toFixed(3)}x (load ${load()})`)
  }
}

async function withAgents(count: number, use: (cluster: ConsulCluster) => Promise<void>): Promise<void> {
  await using cluster = await startCluster({servers: 1, clients: count - 1, config: {disable_remote_exec: false}})
  const start = (agent: ConsulServer, at: number) =>
    startCli(['responder', '--state-dir', join(home, `s${count}-${at}`), '--trust-dir', join(home, 'trust')], {agent})
  const responders = cluster.agents.map(start)
  try {
    for (const responder of responders) await responder.waitForOutput(/: ready/, {timeoutMs: 60_000})
    await use(cluster)
  } finally {
    for (const responder of responders) await responder[Symbol.asyncDispose]()
  }
}

/**
 * Measures how long each piece of a slow output needs from the command to the initiator. The pieces are the times at
 * which they were written.
 */
async function drip(cluster: ConsulCluster): Promise<void> {
  await using client = createClient({address: cluster.address})
  const line = 'for at in 1 2 3 4 5 6 7 8 9 10 11 12; do date +%s%N; sleep 0.3; done'
  await using run = await createInitiator(client, {keys: [key.key], via: 'native', ackTimeoutMs: 30_000}).run({
    command: {kind: 'shell', line},
  })
  const delays: number[] = []
  for await (const event of run) {
    if (event.type !== 'output') continue
    const times = event.chunk.toString().trim().split('\n')
    for (const time of times) delays.push(Date.now() - Number(time) / 1e6)
  }
  const most = Math.max(...delays)
  say(
    `a line each 300 ms, from the command to the initiator: median ${median(delays).toFixed(0)} ms, at most ${most.toFixed(0)} ms, ${delays.length} lines (load ${load()})`,
  )
}

async function logIndex({address}: {readonly address: string}): Promise<number> {
  const self = (await raw(address).get('/v1/agent/self')) as {Stats: {raft: {last_log_index: string}}}
  return Number(self.Stats.raft.last_log_index)
}

async function silent(cluster: ConsulCluster): Promise<void> {
  const idleFrom = await logIndex(cluster)
  await new Promise(resolve => setTimeout(resolve, 10_000))
  const idle = ((await logIndex(cluster)) - idleFrom) / 10
  say(`entries in Consul's log for \`sleep ${silentSeconds}\` on ${cluster.agents.length} agents, less ${idle}/s:`)
  let first = Number.NaN
  for (const {name, command} of [theirs, ...ours]) {
    const before = await logIndex(cluster)
    const ms = await timeOnce(cluster, command(`sleep ${silentSeconds}`))
    const entries = (await logIndex(cluster)) - before - (idle * ms) / 1000
    if (Number.isNaN(first)) first = entries
    say(`  ${name}: ${entries.toFixed(0)}, ${(entries / first).toFixed(2)}x`)
  }
}

interface FleetPlace {
  readonly agent: ConsulServer
  readonly address: string
  readonly kind: 'simulated' | 'processes' | 'apart'
}

/** Reads what a process has used since its start. */
function usageOf(pid: number): {readonly cpuMs: number; readonly rssMb: number} {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return {cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, rssMb: Math.round(Number(rss) / 1000)}
}

async function withFleet(count: number, {agent, address, kind}: FleetPlace, use: () => Promise<void>): Promise<void> {
  const fleet = [
    '--import',
    'tsx',
    'test/bench/exec-fleet.ts',
    `${count}`,
    address,
    join(home, 'fleet'),
    key.publicFile,
    kind,
  ]
  const started = process.hrtime.bigint()
  await using process_ = startCommand(process.execPath, fleet, {agent, keepStdin: true})
  await process_.waitForOutput(/ready/, {timeoutMs: 300_000})
  const readyMs = Number(process.hrtime.bigint() - started) / 1e6
  say(`${count} responders in one process are ready after ${(readyMs / 1000).toFixed(1)} s (load ${load()})`)
  await use()
  const {cpuMs, rssMb} = usageOf(process_.pid)
  say(`  their process has used ${(cpuMs / 1000).toFixed(1)} s of processor time and has ${rssMb} MB`)
}

async function idle(agent: ConsulServer): Promise<void> {
  await using proxy = await HttpProxy.start(agent.address)
  await withFleet(100, {agent, address: proxy.address, kind: 'apart'}, async () => {
    await new Promise(resolve => setTimeout(resolve, 3000))
    const before = proxy.requests.length
    let written = 0
    const untilMs = Date.now() + 20_000
    while (Date.now() < untilMs) {
      await Promise.all(Array.from({length: 20}, (_, at) => raw(agent.address).kvPut(`app/${at}`, `${(written += 1)}`)))
      await new Promise(resolve => setTimeout(resolve, 80))
    }
    const reads = proxy.requests.slice(before).filter(({method}) => method === 'GET')
    say(
      `100 idle responders, ${(written / 20).toFixed(0)} foreign writes/s for 20 s: ${reads.length} reads (load ${load()})`,
    )
  })
}

async function fleet(agent: ConsulServer, kind: FleetPlace['kind']): Promise<void> {
  await withFleet(fleetSize, {agent, address: agent.address, kind}, async () => {
    await using client = createClient({address: agent.address})
    const initiator = createInitiator(client, {keys: [key.key], via: 'native', ackTimeoutMs: 120_000})
    for (const line of ['true', 'head -c 10000 /dev/zero | tr "\\0" x']) {
      const cpu = process.cpuUsage()
      const started = process.hrtime.bigint()
      await using run = await initiator.run({command: {kind: 'shell', line}}, {node: '^sim-'})
      let bytes = 0
      for await (const event of run) if (event.type === 'output') bytes += event.chunk.length
      const {nodes, verdict} = await run.summary
      const ms = Number(process.hrtime.bigint() - started) / 1e6
      const {user, system} = process.cpuUsage(cpu)
      const rss = Math.round(process.memoryUsage.rss() / 1e6)
      const cost = `${((user + system) / 1e6).toFixed(2)} s processor time, ${rss} MB`
      say(
        `${nodes.length} responders (${kind}), \`${line}\`: ${(ms / 1000).toFixed(1)} s, ${verdict}, ${bytes} bytes, initiator ${cost} (load ${load()})`,
      )
    }
  })
}

async function main(): Promise<void> {
  buildOnce()
  if (['uptime', 'output', 'silent', 'drip'].some(isWanted)) {
    for (const count of sizes) {
      await withAgents(count, async cluster => {
        if (isWanted('uptime')) {
          say(`\`uptime\` on ${count} agent(s):`)
          await compare(cluster, ['uptime'], rounds)
        }
        if (isWanted('output') && count > 1) {
          say(`1 MB from each of ${count} agents:`)
          await compare(cluster, ['head -c 1000000 /dev/urandom | base64'], 3)
        }
        if (isWanted('output') && count === 1) {
          say('10 MB from one agent:')
          await compare(cluster, ['head -c 10000000 /dev/urandom | base64'], 3)
        }
        if (isWanted('silent') && count > 1) await silent(cluster)
        if (isWanted('drip')) await drip(cluster)
      })
    }
  }
  if (['idle', 'fleet', 'processes'].some(isWanted)) {
    await using cluster = await startCluster({
      servers: 1,
      clients: 0,
      config: {limits: {http_max_conns_per_client: 5000}},
    })
    const [agent] = cluster.servers
    if (agent && isWanted('idle')) await idle(agent)
    if (agent && isWanted('fleet')) await fleet(agent, 'simulated')
    if (agent && isWanted('processes')) await fleet(agent, 'processes')
  }
}

try {
  await main()
} finally {
  rmSync(home, {recursive: true, force: true})
}
