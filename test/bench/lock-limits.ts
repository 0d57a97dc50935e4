/**
 * Measures limits that a lock must keep, on one agent: the worst wait of hosts that acquire it again and again, how
 * much longer than `--timeout` a contender waits, how long a waiting contender takes to end after SIGTERM, and what
 * 10,000 cycles leave behind. Needs `consul` on the PATH. Run it on a quiet machine: npm run bench:lock-limits
 */
import {mkdtempSync, readdirSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createClient} from '../../src/core/client.js'
import type {SessionId} from '../../src/core/types.js'
import {createMutex} from '../../src/lock/mutex.js'
import buildOnce from '../kit/build-once.js'
import {type ConsulServer, startDevAgent} from '../kit/consul-server.js'
import {HttpProxy} from '../kit/http-proxy.js'
import {raw} from '../kit/raw-consul.js'
import {cliPath, startCommand} from '../kit/run-cli.js'

const cycles = Number(process.env.CYCLES ?? 10_000)
const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
const say = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

interface Turn {
  readonly session: SessionId
  readonly token: bigint
  readonly askedMs: number
  readonly grantedMs: number
}

/**
 * Six contenders, which act as if on separate hosts, acquire the lock for 20 ms again and again during 20 s. A wait
 * counts from the call, which also opens a session, and from the moment at which the contender's entry was seen in the
 * queue. The first acquisitions of this process, which compile the code, are not counted.
 */
async function worstWait(agent: ConsulServer): Promise<void> {
  const turns: Turn[] = []
  const prefix = 'limits/fair'
  let until = 0
  const loop = async (isCounted: boolean): Promise<void> => {
    await using proxy = await HttpProxy.start(agent.address)
    await using client = createClient({address: proxy.address})
    const mutex = createMutex(client, {prefix})
    while (performance.now() < until) {
      const askedMs = performance.now()
      await using hold = await mutex.acquire()
      if (isCounted) turns.push({session: hold.session, token: hold.token, askedMs, grantedMs: performance.now()})
      await sleep(20)
    }
  }
  const together = async (isCounted: boolean, forMs: number): Promise<void> => {
    until = performance.now() + forMs
    await Promise.all(Array.from({length: 6}, () => loop(isCounted)))
  }
  await together(false, 3000)
  const stop = new AbortController()
  const entries = entryTimes(agent, prefix, stop.signal)
  await together(true, 20_000)
  stop.abort()
  const seen = await entries
  turns.sort((one, other) => (one.token < other.token ? -1 : 1))
  report(
    '6 hosts, from the call',
    turns.map(({askedMs, grantedMs}) => grantedMs - askedMs),
  )
  const queued = turns.flatMap(turn => {
    const entry = seen.get(turn.session)
    return entry ? [{...turn, ...entry}] : []
  })
  report(
    '6 hosts, from the entry',
    queued.map(({grantedMs, seenMs}) => grantedMs - seenMs),
  )
  const early = queued.filter(({createIndex}, at) => queued.slice(0, at).some(one => one.createIndex > createIndex))
  say(`6 hosts: ${queued.length} of ${turns.length} entries seen, ${early.length} served after a later entry`)
}

function report(what: string, waits: readonly number[]): void {
  const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length
  const worst = Math.max(...waits)
  const times = `mean wait ${mean.toFixed(0)} ms, worst ${worst.toFixed(0)} ms, ${(worst / mean).toFixed(2)}x`
  say(`${what}: ${waits.length} runs, ${times}`)
}

/** Resolves to the entries of the queue with the times at which they were first seen, when the signal aborts. */
async function entryTimes(agent: ConsulServer, prefix: string, signal: AbortSignal) {
  const seen = new Map<string, {readonly createIndex: number; readonly seenMs: number}>()
  while (!signal.aborted) {
    for (const {session, createIndex} of await raw(agent.address).kvList(`${prefix}/.queue/`)) {
      if (session !== undefined && !seen.has(session)) seen.set(session, {createIndex, seenMs: performance.now()})
    }
    await sleep(5)
  }
  return seen
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
const only = process.env.ONLY?.split(',') ?? ['waits', 'ends', 'cycles']
if (only.includes('waits')) await worstWait(agent)
if (only.includes('ends')) await whileHeld(agent)
if (only.includes('cycles')) await manyCycles(agent)
