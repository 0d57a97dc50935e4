/**
 * Measures limits that a lock must keep, on one agent: the worst wait of hosts that acquire it again and again, how
 * much longer than `--timeout` a contender waits, how long a waiting contender takes to end after SIGTERM, and what
 * 10,000 cycles leave behind. Needs `consul` on the PATH. Run it on a quiet machine: npm run bench:lock-limits
 */
import {mkdtempSync, readdirSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createClient} from '../../src/core/client.js'
import {createMutex} from '../../src/lock/mutex.js'
import buildOnce from '../kit/build-once.js'
import {type ConsulServer, startDevAgent} from '../kit/consul-server.js'
import {HttpProxy} from '../kit/http-proxy.js'
import {cliPath, startCommand} from '../kit/run-cli.js'

const cycles = Number(process.env.CYCLES ?? 10_000)
const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
const say = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

/** Six contenders, which act as if on separate hosts, acquire the lock for 20 ms again and again during 20 s. */
async function worstWait(agent: ConsulServer): Promise<void> {
  const waits: number[] = []
  const until = Date.now() + 20_000
  const loop = async (): Promise<void> => {
    await using proxy = await HttpProxy.start(agent.address)
    await using client = createClient({address: proxy.address})
    const mutex = createMutex(client, {prefix: 'limits/fair'})
    while (Date.now() < until) {
      const asked = performance.now()
      await using _hold = await mutex.acquire()
      waits.push(performance.now() - asked)
      await sleep(20)
    }
  }
  await Promise.all(Array.from({length: 6}, loop))
  const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length
  const worst = Math.max(...waits)
  say(
    `6 hosts: ${waits.length} runs, mean wait ${mean.toFixed(0)} ms, worst ${worst.toFixed(0)} ms, ${(worst / mean).toFixed(2)}x`,
  )
}

async function whileHeld(agent: ConsulServer): Promise<void> {
  await using client = createClient({address: agent.address})
  await using _hold = await createMutex(client, {prefix: 'limits/held'}).acquire()
  const late: number[] = []
  for (let round = 0; round < 10; round += 1) {
    const startedAt = performance.now()
    await createMutex(client, {prefix: 'limits/held'})
      .acquire({timeoutMs: 1000})
      .catch(() => undefined)
    late.push(performance.now() - startedAt - 1000)
  }
  say(`timeoutMs 1000: longest excess ${Math.max(...late).toFixed(0)} ms`)
  const commandLate: number[] = []
  for (let round = 0; round < 5; round += 1) {
    const bare = performance.now()
    await startCommand(process.execPath, [cliPath, 'lock', '--try', 'limits/held', 'true'], {agent}).exited
    const startUp = performance.now() - bare
    const startedAt = performance.now()
    await startCommand(process.execPath, [cliPath, 'lock', '--timeout', '2s', 'limits/held', 'true'], {agent}).exited
    commandLate.push(performance.now() - startedAt - 2000 - startUp)
  }
  say(`--timeout 2s: longest excess above start-up ${Math.max(...commandLate).toFixed(0)} ms`)
  const ends: number[] = []
  for (let round = 0; round < 10; round += 1) {
    const waiter = startCommand(process.execPath, [cliPath, 'lock', 'limits/held', 'true'], {agent})
    await sleep(1000 + Math.random() * 500)
    const startedAt = performance.now()
    waiter.kill('SIGTERM')
    await waiter.exited
    ends.push(performance.now() - startedAt)
  }
  say(`SIGTERM while waiting: ended within ${Math.max(...ends).toFixed(0)} ms`)
}

async function manyCycles(agent: ConsulServer): Promise<void> {
  await using client = createClient({address: agent.address})
  const mutex = createMutex(client, {prefix: 'limits/cycles'})
  const measure = async () => {
    await sleep(200)
    for (let round = 0; round < 5; round += 1) {
      globalThis.gc?.()
      await sleep(20)
    }
    return {heap: process.memoryUsage().heapUsed, handles: readdirSync('/proc/self/fd').length}
  }
  let base = await measure()
  for (let at = 1; at <= cycles; at += 1) {
    await using _hold = await mutex.acquire()
    if (at === Math.min(1000, cycles / 2)) base = await measure()
  }
  const end = await measure()
  say(
    `${cycles} cycles: heap ${((end.heap - base.heap) / 2 ** 20).toFixed(2)} MB, file descriptors ${base.handles} -> ${end.handles}`,
  )
}

process.env.TMPDIR ??= mkdtempSync(join(tmpdir(), 'bench-lock-'))
buildOnce()
await using agent = await startDevAgent()
await worstWait(agent)
await whileHeld(agent)
await manyCycles(agent)
