/**
 * Runs all daemons of baton on a cluster of three servers under load while faults come at random, and checks after each
 * fault that what baton promises holds: `npm run soak -- --hours 8`, or `--minutes 5`. Needs `consul` and Linux. The
 * seed is printed; BATON_TEST_SEED=<seed> repeats the order of faults. Prints a line for each fault, and memory and
 * handles of each daemon at the end.
 */
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {parseArgs} from 'node:util'
import buildOnce from '../kit/build-once.js'
import {startCluster} from '../kit/consul-cluster.js'
import type {ConsulServer} from '../kit/consul-server.js'
import {checkNoOverlap, criticalSection} from '../kit/history.js'
import {raw} from '../kit/raw-consul.js'
import {runCli} from '../kit/run-cli.js'
import {testSeed} from '../kit/seed.js'
import {waitUntil} from '../kit/wait-until.js'
import {Daemon} from './daemon.js'

const {values: given} = parseArgs({options: {hours: {type: 'string'}, minutes: {type: 'string'}}})
const lengthMs = Number(given.hours ?? 0) * 3_600_000 + Number(given.minutes ?? 0) * 60_000
if (!(lengthMs > 0)) throw new Error('give --hours N or --minutes N')

let state = testSeed('soak')
/** A small random number generator, so that the order of faults follows from the seed. */
function random(): number {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31
  return state / 2 ** 31
}
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T

const folder = mkdtempSync(join(tmpdir(), 'baton-soak-'))
const [history, handled, rendered, trust] = ['history', 'handled', 'out', 'trust'].map(name => join(folder, name)) as [
  string,
  string,
  string,
  string,
]
const startedAt = performance.now()
const say = (text: string): void => console.log(`${Math.round((performance.now() - startedAt) / 1000)}s ${text}`)

buildOnce()
await using cluster = await startCluster({servers: 3, clients: 1})
const [client] = cluster.clients
if (!client) throw new Error('the cluster has no client agent')
const consul = raw(client.address)
const env = {CONSUL_HTTP_ADDR: client.address, XDG_CONFIG_HOME: join(folder, 'config'), HOME: folder}
mkdirSync(trust)
writeFileSync(join(folder, 'in'), '{{ key "app/count" }}')
writeFileSync(handled, '')
await runCli(['keys', 'init'], {env})
await runCli(['keys', 'add', join(folder, 'config/baton/keys/default.pub.json'), '--trust-dir', trust], {env})
await consul.kvPut('app/count', '0')
await consul.kvPut('app/services', '{"services":[]}')

const fired: string[] = []
let writes = 0
let faults = 0
const load = new AbortController()
const handler = `cat >>${handled}; echo >>${handled}`
const commands: Readonly<Record<string, readonly string[]>> = {
  responder: ['responder', '--trust-dir', trust, '--state-dir', join(folder, 'state')],
  replicate: ['replicate', 'app/@dc1:copy/'],
  discover: ['discover', 'app/services', '--listen', '127.0.0.1:0'],
  template: ['template', `${folder}/in:${rendered}`],
  'event watch': [
    'event',
    'watch',
    '--name',
    'soak',
    '--durable',
    '--from',
    'earliest',
    '--state',
    `${folder}/e`,
    '--',
    'sh',
    '-c',
    handler,
  ],
  watch: ['watch', 'keyprefix', 'app/', '--', 'true'],
  ui: ['ui', '--listen', '127.0.0.1:0'],
}
const daemons = Object.entries(commands).map(([name, words]) => new Daemon(name, words, env))
const injections: Readonly<Record<string, () => Promise<void>>> = {
  'a server was killed': () => harm(pick(cluster.servers), 'kill'),
  'a server was stopped': () => harm(pick(cluster.servers), 'stop'),
  'the leader was suspended': async () => harm(await cluster.leader(), 'pause'),
  'the agent was suspended': () => harm(client, 'pause'),
  'the agent was killed': () => harm(client, 'kill'),
}
const loads = [write(), fire(), ...[1, 2, 3].map(contend)]
try {
  await verify('the start')
  while (performance.now() - startedAt < lengthMs) {
    await sleep(5000 + random() * 10_000)
    const [name, inject] = pick(Object.entries(injections))
    faults += 1
    await inject()
    await verify(name)
    const holds = checkNoOverlap(history).order.length
    say(`${name}: all is right after ${writes} writes, ${fired.length} events, ${holds} holds`)
  }
  for (const daemon of daemons) say(daemon.report())
  say(`${faults} faults, no promise broken`)
} finally {
  load.abort()
  await Promise.allSettled(loads)
  for (const daemon of daemons) await daemon[Symbol.asyncDispose]()
  rmSync(folder, {recursive: true, force: true})
}

/** Kills or stops an agent and restarts it, or suspends it for some seconds. */
async function harm(agent: ConsulServer, how: 'kill' | 'stop' | 'pause'): Promise<void> {
  const ms = 2000 + random() * 6000
  if (how === 'pause') {
    await agent.pause()
    await sleep(ms)
    agent.resume()
    return
  }
  await agent.restart(how)
  await cluster.untilReady()
}

/** Repeats an action until the load ends. Failures are expected during a fault. */
async function repeat(everyMs: number, act: () => Promise<unknown>): Promise<void> {
  while (!load.signal.aborted) {
    await act().catch(() => undefined)
    await sleep(everyMs, undefined, {signal: load.signal}).catch(() => undefined)
  }
}

async function write(): Promise<void> {
  await repeat(500, async () => {
    if (await consul.kvPut('app/count', String(writes + 1))) writes += 1
  })
}

/**
 * Fires events, and records each event whose firing was confirmed. An event whose answer was lost may also have been
 * fired, so each payload is used only once.
 */
async function fire(): Promise<void> {
  let next = 0
  await repeat(2000, async () => {
    const payload = `event-${(next += 1)}`
    const {exitCode} = await runCli(['event', 'fire', '--durable', 'soak', payload], {env})
    if (exitCode === 0) fired.push(payload)
  })
}

async function contend(who: number): Promise<void> {
  let hold = 0
  await repeat(100, () => {
    const section = [criticalSection, history, `${who}-${(hold += 1)}`, '0.3', join(folder, 'exclusive')]
    return runCli(['lock', 'jobs/soak', '--', ...section], {env})
  })
}

/**
 * Waits until every daemon has caught up. Throws if a daemon does not catch up, or if anything that baton promises does
 * not hold.
 */
async function verify(after: string): Promise<void> {
  const options = {timeoutMs: 120_000, intervalMs: 250}
  const until = (what: string, check: () => Promise<boolean> | boolean): Promise<unknown> =>
    waitUntil(check, {what: `${what} after ${after}`, ...options}).catch((error: unknown) => {
      for (const daemon of daemons) daemon.check()
      const said = daemons.map(daemon => daemon.said()).join('\n')
      throw new Error(`${String(error)}\n${said}`, {cause: error})
    })
  const reached = writes
  const expected = [...fired]
  let missing: readonly string[] = []
  const isAtLeast = (text: string | undefined): boolean => Number(text ?? -1) >= reached
  await until('the copy to be current', async () => isAtLeast((await consul.kvGet('copy/count'))?.value))
  await until('the file to be current', () => isAtLeast(readFileSync(rendered, 'utf8')))
  await until('every event to be handled', () => {
    const lines = readFileSync(handled, 'utf8').split('\n')
    missing = expected.filter(payload => !lines.includes(payload))
    return missing.length === 0
  }).catch((error: unknown) => {
    throw new Error(`${missing.join(', ')}: ${String(error)}`)
  })
  const lines = readFileSync(handled, 'utf8').trim().split('\n')
  if (new Set(lines).size !== lines.length) throw new Error(`an event was handled twice after ${after}`)
  await until(
    'a job to run',
    async () => (await runCli(['exec', '--via', 'native', '--timeout', '20s', '--', 'true'], {env})).exitCode === 0,
  )
  const holds = checkNoOverlap(history).order.length
  await until('the lock to be handed over', () => checkNoOverlap(history).order.length > holds)
  for (const daemon of daemons) daemon.check()
}
