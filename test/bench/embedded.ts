/**
 * Compares the embedded agent with `consul agent -dev`: requests per second, wake-up latency, memory. Each agent runs
 * as its own process, and the same client measures both. No limit is checked. Needs `consul` on the PATH. npm run
 * bench:embedded
 */
import {readFileSync} from 'node:fs'
import {createClient} from '../../src/core/client.js'
import buildOnce from '../kit/build-once.js'
import {startDevAgent} from '../kit/consul-server.js'
import {startCli} from '../kit/run-cli.js'

const seconds = Number(process.env.SECONDS ?? 3)
const lanes = 16
const now = (): number => Number(process.hrtime.bigint()) / 1e6
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

interface Figures {
  readonly readsPerSecond: number
  readonly writesPerSecond: number
  readonly wakeUpMs: number
  readonly residentMb: number
}

async function perSecond(act: (n: number) => Promise<unknown>): Promise<number> {
  const start = now()
  let done = 0
  const lane = async (): Promise<void> => {
    while (now() - start < seconds * 1000) {
      await act(done)
      done += 1
    }
  }
  await Promise.all(Array.from({length: lanes}, lane))
  return done / ((now() - start) / 1000)
}

const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

async function measure(address: string, pid: number): Promise<Figures> {
  await using client = createClient({address})
  const value = Buffer.alloc(100, 'x')
  await client.kv.put('bench/0', value)
  const writesPerSecond = await perSecond(n => client.kv.put(`bench/${n % 1000}`, Buffer.from(`${n}`)))
  const readsPerSecond = await perSecond(n => client.kv.get(`bench/${n % 1000}`))
  const wakeUps: number[] = []
  for (let round = 0; round < 50; round += 1) {
    const {index} = await client.kv.get('bench/0')
    if (index === undefined) throw new Error('no index')
    let firedMs = 0
    const woken = client.kv.get('bench/0', {index, waitMs: 10_000}).then(() => now() - firedMs)
    // When the agent answers this request, it has already received the blocking query above, so that query is waiting.
    await client.agent.self()
    firedMs = now()
    await client.kv.put('bench/0', Buffer.from(`round ${round}`))
    wakeUps.push(await woken)
  }
  return {readsPerSecond, writesPerSecond, wakeUpMs: median(wakeUps), residentMb: residentMb(pid)}
}

async function main(): Promise<void> {
  buildOnce()
  await using consul = await startDevAgent()
  await using dev = startCli(['dev', '--http-addr', '127.0.0.1:0'])
  const [, address = ''] = await dev.waitForOutput(/ready at (http:\S+)/)
  const real = await measure(consul.address, consul.pid)
  const embedded = await measure(address, dev.pid)
  console.log(`embedded agent and consul agent -dev, ${lanes} connections, ${seconds} s each`)
  for (const name of ['readsPerSecond', 'writesPerSecond', 'wakeUpMs', 'residentMb'] as const) {
    const [ours, theirs] = [embedded[name], real[name]]
    console.log(
      `  ${name.padEnd(18)}${ours.toFixed(1).padStart(10)}${theirs.toFixed(1).padStart(10)}${(ours / theirs).toFixed(2).padStart(8)}x`,
    )
  }
}

await main()
