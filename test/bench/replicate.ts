/**
 * Compares replication between two real datacenters on one machine by baton and, if it is on the PATH or named by
 * CONSUL_REPLICATE, by consul-replicate: a first copy, a restart without changes, one change, an idle minute, and many
 * writes. Run with `npm run bench:replicate -- [KEYS[/FOLDERS],...] [first,again,change,idle,storm200,storm1000]`;
 * needs `consul` and Linux. Only figures of one run can be compared, because times depend on the machine and its load.
 * BATON_FLAGS adds flags for baton. SECONDS sets how long the many writes (default 30) and the idle part (default 60)
 * last.
 */
import {setTimeout as sleep} from 'node:timers/promises'
import {type ConsulClient, createClient} from '../../src/core/client.js'
import buildOnce from '../kit/build-once.js'
import {type ConsulFederation, startFederation} from '../kit/consul-cluster.js'
import {CountingProxy} from './replicate/counting-proxy.js'
import {type Bench, copyWith, type Figures, Follower, removeCopy, runOnce} from './replicate/measures.js'
import {tools} from './replicate/tools.js'
import {fill, type Load} from './replicate/workload.js'

const [sizes = '1000,10000,100000', parts = 'first,again,change,idle,storm200,storm1000'] = process.argv.slice(2)
const wanted = parts.split(',')
const seconds = (ms: number): number => (process.env['SECONDS'] ? Number(process.env['SECONDS']) * 1000 : ms)

function toLoad(text: string): Load {
  const [keys = 0, folders = 100] = text.split('/').map(Number)
  return {keys, folders}
}

function print({load, tool}: Bench, part: string, figures: Figures): void {
  const texts = Object.entries(figures).map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`)
  console.log(`${load.keys} keys in ${load.folders} folders, ${tool.name}, ${part}: ${texts.join(', ')}`)
}

async function measureRuns(bench: Bench): Promise<void> {
  if (!wanted.includes('first') && !wanted.includes('again')) return
  await removeCopy(bench)
  const first = await runOnce(bench)
  if (wanted.includes('first')) print(bench, 'first copy', first)
  if (wanted.includes('again')) print(bench, 'again, nothing to do', await runOnce(bench))
}

async function measureFollower(bench: Bench): Promise<void> {
  if (wanted.every(part => ['first', 'again'].includes(part))) return
  const isLarge = bench.load.keys > 50_000
  const [baton] = tools()
  const isOurs = bench.tool.name === baton?.name
  // baton makes the first copy, because consul-replicate makes one request for each key, which would take longer than
  // the rest of the benchmark.
  if (isLarge && baton && !isOurs) await copyWith(baton, bench)
  await using follower = await Follower.start(bench, isLarge ? 6000 : 2500)
  if (wanted.includes('change')) {
    // Node compiles code only after it has run often, so these first changes do not count.
    await follower.changes(isOurs ? 200 : 10, 100)
    // What baton does some time after each change, a search for changes that its own writes may have hidden, ends during
    // the pause.
    await sleep(isLarge ? 40_000 : 15_000)
    const restMsOfSecond = await follower.untilAtRest()
    print(bench, 'one change', {...(await follower.changes(15, isLarge ? 3000 : 1500)), restMsOfSecond})
  }
  if (wanted.includes('idle')) print(bench, 'idle', await follower.idle(seconds(60_000)))
  for (const rate of [200, 1000]) {
    if (!wanted.includes(`storm${rate}`)) continue
    print(bench, `${rate} writes a second`, await follower.storm(rate, seconds(30_000)))
  }
}

async function measureLoad(load: Load, federation: ConsulFederation, client: ConsulClient): Promise<void> {
  await using proxy = await CountingProxy.start(federation.dc('dc2').address)
  const [source, destination] = ['dc1', 'dc2'].map(name => federation.dc(name).servers[0]?.pid ?? 0)
  await fill(client, load)
  for (const tool of tools()) {
    const bench: Bench = {load, tool, client, proxy, agents: {source: source ?? 0, destination: destination ?? 0}}
    await measureRuns(bench)
    await measureFollower(bench)
    await removeCopy(bench)
  }
}

if (process.env['BUILD'] !== '0') buildOnce()
for (const size of sizes.split(',')) {
  await using federation = await startFederation(['dc1', 'dc2'])
  await using client = createClient({address: federation.dc('dc2').address})
  await measureLoad(toLoad(size), federation, client)
}
