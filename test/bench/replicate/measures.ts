import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {setTimeout as sleep} from 'node:timers/promises'
import type {ConsulClient} from '../../../src/core/client.js'
import type {ConsulIndex, KvEntry, Snapshot} from '../../../src/core/types.js'
import type {CountingProxy} from './counting-proxy.js'
import {cpuMs, memoryMB, quantile} from './process-cost.js'
import type {Tool} from './tools.js'
import {difference, type Load, nameOf, newValue, sourcePrefix} from './workload.js'

export interface Bench {
  readonly load: Load
  readonly tool: Tool
  /** A client of the destination's agent, which the tools also use. */
  readonly client: ConsulClient
  readonly proxy: CountingProxy
  readonly agents: {readonly source: number; readonly destination: number}
}

/** Figures by their names. */
export type Figures = Readonly<Record<string, number>>

const targetOf = ({load, tool}: Bench): string => sourcePrefix(load).replace('bench', tool.name)

const mappingOf = (bench: Bench): string => `${sourcePrefix(bench.load)}@dc1:${targetOf(bench)}`

function start({tool, proxy}: Bench, mapping: string): ChildProcess {
  const [file, ...args] = tool.command(mapping, proxy.address)
  return spawn(file, args, {stdio: ['ignore', 'ignore', 'pipe']})
}

/** Measures the cost of `work` for the agents, for the network and, if one is given, for a process. */
async function meter({proxy, agents}: Bench, work: () => Promise<void>, pid?: number): Promise<Figures> {
  const cpu = (): readonly number[] => [pid, agents.source, agents.destination].map(each => (each ? cpuMs(each) : 0))
  await proxy.take()
  const before = cpu()
  const startedMs = performance.now()
  await work()
  const ms = performance.now() - startedMs
  const [tool = 0, source = 0, destination = 0] = cpu().map((value, at) => value - (before[at] ?? 0))
  const {requests, bytesIn, bytesOut} = await proxy.take()
  return {
    ms,
    ...(pid !== undefined && {cpuMs: tool}),
    sourceCpuMs: source,
    destinationCpuMs: destination,
    requests,
    kB: (bytesIn + bytesOut) / 1000,
  }
}

/** Measures one run with `-once`, from its start to its end. */
export async function runOnce(bench: Bench): Promise<Figures> {
  let stderr = ''
  const figures = await meter(bench, async () => {
    const [file, ...args] = bench.tool.command(mappingOf(bench), bench.proxy.address)
    const script = 'TIMEFORMAT="CPU %U %S"; time "$0" "$@"'
    const child = spawn('bash', ['-c', script, file, ...args, '-once'], {stdio: ['ignore', 'ignore', 'pipe']})
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number]
    if (code !== 0) throw new Error(`${bench.tool.name}: ${code} ${stderr}`)
  })
  const [, user, system] = /CPU ([\d.]+) ([\d.]+)/.exec(stderr) ?? []
  const wrong = await difference(bench.client, sourcePrefix(bench.load), targetOf(bench))
  return {...figures, cpuMs: (Number(user) + Number(system)) * 1000, wrong}
}

/** Copies everything with another tool, whose status key lets consul-replicate skip what is already copied. */
export async function copyWith(other: Tool, bench: Bench): Promise<void> {
  const [file, ...args] = other.command(mappingOf(bench), bench.proxy.address)
  const child = spawn(file, [...args, '-once'], {stdio: ['ignore', 'ignore', 'inherit']})
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error(`${other.name}: ${code}`)
}

export async function removeCopy(bench: Bench): Promise<void> {
  await bench.client.kv.deleteTree(targetOf(bench))
  await bench.client.kv.deleteTree('service/consul-replicate/')
}

const restMs = 10_000
/** A tool that uses no more than this share of a processor is at rest. */
const restShare = 0.003
const longestRestMs = 180_000

/** A tool that runs continuously. `start` resolves once source and destination are equal and a pause has passed. */
export class Follower implements AsyncDisposable {
  readonly #bench: Bench
  readonly #child: ChildProcess
  #stderr = ''

  private constructor(bench: Bench) {
    this.#bench = bench
    this.#child = start(bench, mappingOf(bench))
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
  }

  static async start(bench: Bench, restMs: number): Promise<Follower> {
    const follower = new Follower(bench)
    await follower.#untilEqual(600_000)
    await sleep(restMs)
    return follower
  }

  get #pid(): number {
    if (this.#child.pid === undefined || this.#child.exitCode !== null)
      throw new Error(`${this.#bench.tool.name} has ended: ${this.#stderr}`)
    return this.#child.pid
  }

  async #untilEqual(timeoutMs: number): Promise<void> {
    const {client, load} = this.#bench
    const endsAt = performance.now() + timeoutMs
    const pauseMs = Math.max(50, load.keys / 50)
    while ((await difference(client, sourcePrefix(load), targetOf(this.#bench))) > 0) {
      if (this.#pid === 0 || performance.now() > endsAt)
        throw new Error(`${this.#bench.tool.name}: not equal\n${this.#stderr}`)
      await sleep(pauseMs)
    }
  }

  /**
   * Waits until the tool is at rest, so that what it still does for earlier work, such as freeing the memory of the first
   * copy, does not count as the cost of a change. Returns the processor time that it uses at rest, in milliseconds per
   * second, which is also the result if the tool is still busy after three minutes.
   */
  async untilAtRest(): Promise<number> {
    const endsAt = performance.now() + longestRestMs
    for (;;) {
      const {cpuMs: usedMs = 0, ms = 1} = await meter(this.#bench, () => sleep(restMs), this.#pid)
      if (usedMs / ms <= restShare || performance.now() > endsAt) return (usedMs / ms) * 1000
    }
  }

  /** Measures the time from a put at the source until a query that waits for the key at the destination is answered. */
  async changes(count: number, pauseMs: number): Promise<Figures> {
    const {load} = this.#bench
    const delays: number[] = []
    const figures = await meter(
      this.#bench,
      async () => {
        for (let at = 0; at < count; at += 1) {
          delays.push(await this.#change(nameOf(load, (at * 7919) % load.keys)))
          await sleep(pauseMs)
        }
      },
      this.#pid,
    )
    const each = Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, value / count]))
    return {...each, ms: quantile(delays, 0.5), most: quantile(delays, 1)}
  }

  async #change(name: string): Promise<number> {
    const {client, load} = this.#bench
    const key = targetOf(this.#bench) + name
    const {index} = await client.kv.get(key)
    const arrives = client.kv.get(key, {...(index !== undefined && {index}), waitMs: 60_000})
    await sleep(30)
    const startedMs = performance.now()
    await client.kv.put(sourcePrefix(load) + name, newValue(), {datacenter: 'dc1'})
    await arrives
    return performance.now() - startedMs
  }

  async idle(ms: number): Promise<Figures> {
    const figures = await meter(this.#bench, () => sleep(ms), this.#pid)
    return {...figures, ...memoryMB(this.#pid)}
  }

  /**
   * Writes keys in turn for some time. Several times a second it also writes the current time to a key, to measure the
   * lag.
   */
  async storm(rate: number, ms: number): Promise<Figures> {
    const {client, load} = this.#bench
    const canary = `${sourcePrefix(load)}${nameOf(load, 0)}-canary`
    const lags: number[] = []
    const over = new AbortController()
    const watching = this.#watchCanary(canary.replace(sourcePrefix(load), targetOf(this.#bench)), lags, over.signal)
    let drainMs = 0
    let written = 0
    const figures = await meter(
      this.#bench,
      async () => {
        written = await this.#write(canary, {rate, ms})
        const endedMs = performance.now()
        // A comparison of both sides takes seconds itself, so the last write at the destination is what counts.
        const drained = new AbortController()
        const lastWriteMs = this.#lastWriteMs(endedMs, drained.signal)
        await this.#untilEqual(120_000)
        drained.abort()
        drainMs = (await lastWriteMs) - endedMs
      },
      this.#pid,
    )
    over.abort()
    await watching
    await client.kv.delete(canary, {datacenter: 'dc1'})
    const {rss, peak} = memoryMB(this.#pid)
    return {...figures, written, lag: quantile(lags, 0.5), mostLag: quantile(lags, 1), drainMs, rss, peak}
  }

  /** Resolves, after the signal has aborted, with the time of the last write below the destination, or with `startMs`. */
  async #lastWriteMs(startMs: number, signal: AbortSignal): Promise<number> {
    const {client} = this.#bench
    let lastMs = startMs
    let index: ConsulIndex | undefined
    while (!signal.aborted) {
      const answer: Snapshot<readonly string[]> = await client.kv.keys(targetOf(this.#bench), {
        separator: '/',
        ...(index !== undefined && {index, waitMs: 1000}),
      })
      if (index !== undefined && answer.index !== index) lastMs = performance.now()
      index = answer.index
    }
    return lastMs
  }

  async #write(canary: string, {rate, ms}: {readonly rate: number; readonly ms: number}): Promise<number> {
    const {client, load} = this.#bench
    const startedMs = performance.now()
    const pending = new Set<Promise<unknown>>()
    const put = (key: string, value: Buffer): void => {
      const writing = client.kv.put(key, value, {datacenter: 'dc1'}).finally(() => pending.delete(writing))
      pending.add(writing)
    }
    let written = 0
    for (let elapsedMs = 0; elapsedMs < ms; elapsedMs = performance.now() - startedMs) {
      for (; written < (elapsedMs * rate) / 1000 && pending.size < 64; written += 1) {
        put(sourcePrefix(load) + nameOf(load, (written * 7919) % load.keys), newValue())
        if (written % Math.ceil(rate / 4) === 0) put(canary, Buffer.from(String(performance.now())))
      }
      await sleep(5)
    }
    await Promise.all(pending)
    return written
  }

  async #watchCanary(key: string, lags: number[], signal: AbortSignal): Promise<void> {
    const {client} = this.#bench
    let index: ConsulIndex | undefined
    let last = ''
    while (!signal.aborted) {
      const answer: Snapshot<KvEntry | undefined> = await client.kv.get(key, {
        ...(index !== undefined && {index, waitMs: 2000}),
      })
      index = answer.index
      const text = answer.value?.value.toString()
      if (text === undefined || text === last) continue
      last = text
      lags.push(performance.now() - Number(text))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGINT')
    await exited
  }
}
