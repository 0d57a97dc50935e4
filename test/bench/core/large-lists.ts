/**
 * The cost of one change in a large list for its followers: processor time, peak memory and latency. Compares `baton
 * watch` and a view of the library with `consul watch` and the npm package `consul`, at the same time on one agent. Run
 * with `npm run bench:core`, or alone with `npx tsx test/bench/core/large-lists.ts` after `npm run build`; needs
 * `consul` on the PATH and Linux. `BENCH_SIZES` sets the numbers of keys, `BENCH_WITH` the tools that run besides
 * `baton` and `consul`. Memory is the kernel's VmHWM of each process: its highest resident size since its start,
 * program text included. Latency is the time from sending the write until the handler, or the subscriber, has reported.
 */
import {setTimeout as sleep} from 'node:timers/promises'
import {ReleaseStack} from '../../../src/core/cancel/release-stack.js'
import {startDevAgent} from '../../kit/consul-server.js'
import {raw} from '../../kit/raw-consul.js'
import {Watcher} from './watcher.js'

const sizes = (process.env['BENCH_SIZES'] ?? '1000,10000,50000,100000').split(',').map(Number)
const beside = (process.env['BENCH_WITH'] ?? 'library,npm').split(',').filter(name => name !== '')
const valueBytes = 90
const warmUp = 3
const changesFor = (items: number): number => (items <= 1000 ? 40 : items <= 10_000 ? 15 : items <= 50_000 ? 8 : 5)
const operationsPerTxn = 64
/** Pause between writes, which is so long that no follower delays its next request. */
const pauseMs = 200
const handler = ['sh', '-c', 'cat >/dev/null; echo seen']
const print = (line: string): void => void process.stdout.write(`${line}\n`)

interface List {
  readonly title: string
  readonly size: number
  readonly kind: 'keys' | 'service'
  readonly name: string
  /** Arguments of `consul watch`. */
  readonly words: readonly string[]
  fill(): Promise<void>
  change(number: number): Promise<unknown>
}

async function send(address: string, path: string, body: unknown): Promise<void> {
  const answer = await fetch(`${address}${path}`, {method: 'PUT', body: JSON.stringify(body)})
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  await answer.arrayBuffer()
}

function keys(address: string, size: number): List {
  const name = `large/${size}/`
  const Value = Buffer.alloc(valueBytes, 'v').toString('base64')
  const keyOf = (at: number): string => `${name}key-${String(at).padStart(6, '0')}`
  return {
    title: `${size} keys`,
    size,
    kind: 'keys',
    name,
    words: ['-type=keyprefix', `-prefix=${name}`],
    async fill() {
      for (let at = 0; at < size; at += operationsPerTxn) {
        const count = Math.min(operationsPerTxn, size - at)
        const operations = Array.from({length: count}, (_, offset) => ({
          KV: {Verb: 'set', Key: keyOf(at + offset), Value},
        }))
        await send(address, '/v1/txn', operations)
      }
    },
    change: number => raw(address).kvPut(keyOf(7), `change ${number}`),
  }
}

function instances(address: string, size: number): List {
  const name = 'bench'
  const register = (at: number, Port: number): Promise<void> =>
    send(address, '/v1/catalog/register', {
      Node: 'bench',
      Address: '192.0.2.1',
      Service: {ID: `${name}-${at}`, Service: name, Tags: ['bench'], Port},
    })
  return {
    title: `${size} instances`,
    size,
    kind: 'service',
    name,
    words: ['-type=service', `-service=${name}`],
    async fill() {
      for (let at = 0; at < size; at += 1) await register(at, 1)
    },
    change: number => register(7, 2 + number),
  }
}

function start(tool: string, address: string, {kind, name, words}: List): Watcher {
  const watch = ['watch', `-http-addr=${address}`, ...words]
  switch (tool) {
    case 'baton':
      return new Watcher(process.execPath, ['bin/run.cjs', ...watch, '--', ...handler])
    case 'consul':
      return new Watcher('consul', [...watch, '-shell=false', ...handler])
    default:
      return new Watcher(process.execPath, ['test/bench/core/follower.mjs', tool, address, kind, name])
  }
}

const titles: Readonly<Record<string, string>> = {
  consul: 'consul watch',
  baton: 'baton watch',
  library: 'library view',
  npm: 'npm consul',
}
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
const cell = (value: number, base: number, unit: string): string =>
  `${value.toFixed(value < 10 ? 1 : 0)} ${unit} ${(value / base).toFixed(2)}x`.padStart(18)

async function compare(address: string, list: List, names: readonly string[]): Promise<void> {
  await list.fill()
  await using releases = new ReleaseStack()
  const all = names.map(tool => ({tool, watcher: releases.use(start(tool, address, list))}))
  await Promise.all(all.map(({watcher}) => watcher.ran(1)))
  const changes = changesFor(list.size)
  for (let change = 0; change < warmUp + changes; change += 1) {
    if (change === warmUp) for (const {watcher} of all) watcher.start()
    const seen = all.map(({watcher}) => watcher.ran(watcher.runs + 1))
    await list.change(change)
    await Promise.all(seen)
    await sleep(pauseMs)
  }
  const results = all.map(({tool, watcher}) => ({
    tool,
    cpuMs: watcher.usedMs / changes,
    peakMB: watcher.peakMB,
    latencyMs: median(watcher.latencies),
  }))
  const [base] = results
  for (const {tool, cpuMs, peakMB, latencyMs} of results) {
    const cells = base
      ? [cell(cpuMs, base.cpuMs, 'ms'), cell(peakMB, base.peakMB, 'MB'), cell(latencyMs, base.latencyMs, 'ms')]
      : []
    print(`  ${list.title.padEnd(15)} ${(titles[tool] ?? tool).padEnd(13)}${cells.join('')}`)
  }
}

const hasNpm = await import('consul').then(
  () => true,
  () => false,
)
if (!hasNpm) print('the npm package `consul` is not installed: left out')
const names = ['consul', 'baton', ...beside.filter(name => name !== 'npm' || hasNpm)]
await using agent = await startDevAgent()
print('one change of a large list: processor time, peak memory (VmHWM), median latency; x: to consul watch')
await compare(agent.address, instances(agent.address, 1000), names)
for (const size of sizes) await compare(agent.address, keys(agent.address, size), names)
