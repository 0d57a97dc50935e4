/**
 * The first copy of 10,000 keys between two real datacenters: baton, and a re-enactment of what consul-replicate 0.4
 * sends for the same work. The re-enactment is not consul-replicate: it sends the same requests in the same order from
 * this process, so the comparison is one of request patterns.
 *
 *     npx tsx test/bench/replicate.ts [keys]
 */
import {createHash} from 'node:crypto'
import {createClient} from '../../src/core/client.js'
import type {KvOperation} from '../../src/core/types.js'
import {parseMapping} from '../../src/replicate/mapping.js'
import {listEntries} from '../../src/replicate/pass/list-entries.js'
import {createReplicator} from '../../src/replicate/replicator.js'
import {countingClient} from '../integration/replicate/support.js'
import {startFederation} from '../kit/consul-cluster.js'
import {runCli} from '../kit/run-cli.js'

const count = Number(process.argv[2] ?? 10_000)
const rounds = 3

interface Measured {
  readonly ms: number
  readonly requests: number
}

async function timed(work: () => Promise<number>): Promise<Measured> {
  const startedMs = performance.now()
  const requests = await work()
  return {ms: performance.now() - startedMs, requests}
}

/** The requests: one list, the agent's datacenter, the status, one PUT after another, the destination's keys, the status. */
async function reenact(address: string, source: string, destination: string): Promise<number> {
  await using client = createClient({address})
  const {value: entries, index} = await listEntries(client, source, {datacenter: 'dc1', consistency: 'stale'})
  await client.agent.self()
  const status = `service/bench/${createHash('md5').update(`${source}-${destination}`).digest('hex')}`
  await client.kv.get(status)
  for (const entry of entries) {
    await client.kv.put(destination + entry.key.slice(source.length), entry.value, {flags: entry.flags})
  }
  await client.kv.keys(destination)
  await client.kv.put(status, Buffer.from(String(index)))
  return entries.length + 5
}

async function copy(address: string, source: string, destination: string): Promise<number> {
  await using client = countingClient(address)
  await createReplicator(client, {mappings: [parseMapping(`${source}@dc1:${destination}`)]}).runOnce()
  return client.requests.length
}

async function command(address: string, source: string, destination: string): Promise<number> {
  const {exitCode, stderr} = await runCli(['replicate', `${source}@dc1:${destination}`, '--once'], {agent: {address}})
  if (exitCode !== 0) throw new Error(stderr)
  return 0
}

await using federation = await startFederation(['dc1', 'dc2'])
const address = federation.addresses.get('dc2') ?? ''
await using seeder = createClient({address})
for (let at = 0; at < count; at += 64) {
  const operations: KvOperation[] = Array.from({length: Math.min(64, count - at)}, (_, more) => ({
    verb: 'set',
    key: `bench/${String((at + more) % 100).padStart(2, '0')}/key-${String(at + more).padStart(6, '0')}`,
    value: Buffer.alloc(100, at + more),
    flags: 0n,
  }))
  await seeder.txn.commit(operations, {datacenter: 'dc1'})
}
const median = (values: readonly Measured[]): Measured =>
  [...values].sort((a, b) => a.ms - b.ms)[Math.floor(values.length / 2)]!
const results: Record<'library' | 'command' | 'reenactment', Measured[]> = {library: [], command: [], reenactment: []}
for (let round = 0; round < rounds; round += 1) {
  results.library.push(await timed(() => copy(address, 'bench/', `library-${round}/`)))
  results.command.push(await timed(() => command(address, 'bench/', `command-${round}/`)))
  results.reenactment.push(await timed(() => reenact(address, 'bench/', `reenactment-${round}/`)))
}
const [library, cli, theirs] = [median(results.library), median(results.command), median(results.reenactment)]
const row = (name: string, {ms, requests}: Measured): string =>
  `${name.padEnd(58)} ${String(Math.round(ms)).padStart(7)} ms ${requests === 0 ? '' : `${String(requests).padStart(7)} requests `} ${(ms / theirs.ms).toFixed(3)}x`
console.log(`first copy of ${count} keys of 100 bytes, two real datacenters on one machine, median of ${rounds}`)
console.log(row("re-enactment of consul-replicate's requests (not itself)", theirs))
console.log(row('baton replicate, library', library))
console.log(row('baton replicate --once, with the start of the process', cli))
