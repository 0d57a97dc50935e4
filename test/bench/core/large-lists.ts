/**
 * What one change of one key costs a watch of many: processor time, peak memory and latency of `baton watch` and of
 * `consul watch`, side by side on one agent with the same handler. Run with `npm run bench:core`, or alone with
 * `npx tsx test/bench/core/large-lists.ts`; needs `consul` on PATH and Linux. `BENCH_SIZES` sets the numbers of keys.
 */
import {type ChildProcess, spawn} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {setTimeout as sleep} from 'node:timers/promises'
import {startDevAgent} from '../../kit/consul-server.js'
import {raw} from '../../kit/raw-consul.js'

const sizes = (process.env['BENCH_SIZES'] ?? '1000,10000,50000').split(',').map(Number)
const valueBytes = 90
const changesFor = (keys: number): number => (keys <= 1000 ? 60 : keys <= 10_000 ? 20 : 10)
const operationsPerTxn = 64
/** So seldom that no watch holds its next request back. */
const pauseMs = 200
const msPerTick = 10
const handler = ['sh', '-c', 'cat >/dev/null; echo seen']
const print = (line: string): void => void process.stdout.write(`${line}\n`)

async function fill(address: string, prefix: string, count: number): Promise<void> {
  const Value = Buffer.alloc(valueBytes, 'v').toString('base64')
  for (let at = 0; at < count; at += operationsPerTxn) {
    const operations = Array.from({length: Math.min(operationsPerTxn, count - at)}, (_, offset) => ({
      KV: {Verb: 'set', Key: `${prefix}key-${String(at + offset).padStart(6, '0')}`, Value},
    }))
    const answer = await fetch(`${address}/v1/txn`, {method: 'PUT', body: JSON.stringify(operations)})
    if (!answer.ok) throw new Error(`txn: ${answer.status}`)
  }
}

/** A watch of a prefix whose handler reports each run. */
class Watcher implements AsyncDisposable {
  readonly latencies: number[] = []
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  #runs = 0
  #onRun: () => void = () => {}
  #startMs = 0

  constructor(file: string, argv: readonly string[]) {
    this.#child = spawn(file, [...argv, ...handler], {stdio: ['ignore', 'pipe', 'inherit']})
    this.#exited = new Promise(resolve => this.#child.on('exit', resolve))
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#runs += chunk.toString().split('seen').length - 1
      this.#onRun()
    })
  }

  /** Resolves when the handler has run `count` times. */
  async ran(count: number): Promise<void> {
    const startMs = performance.now()
    while (this.#runs < count) {
      await new Promise<void>(resolve => {
        this.#onRun = resolve
      })
    }
    this.latencies.push(performance.now() - startMs)
  }

  get runs(): number {
    return this.#runs
  }

  /** Processor time since `start`, without handlers. */
  start(): void {
    this.#startMs = this.#cpuMs()
    this.latencies.length = 0
  }

  get usedMs(): number {
    return this.#cpuMs() - this.#startMs
  }

  get peakMB(): number {
    return Number(/VmHWM:\s+(\d+) kB/.exec(this.#proc('status'))?.[1]) / 1024
  }

  #cpuMs(): number {
    const fields = this.#proc('stat')
      .replace(/^.*\) /, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) * msPerTick
  }

  #proc(name: string): string {
    return readFileSync(`/proc/${this.#child.pid}/${name}`, 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill()
    await this.#exited
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
const ratio = (ours: number, theirs: number): string => `${(ours / theirs).toFixed(2)}x`

async function compare(address: string, keys: number): Promise<void> {
  const prefix = `large/${keys}/`
  await fill(address, prefix, keys)
  const words = [`-http-addr=${address}`, '-type=keyprefix', `-prefix=${prefix}`]
  await using baton = new Watcher(process.execPath, ['bin/run.cjs', 'watch', ...words, '--'])
  await using consul = new Watcher('consul', ['watch', ...words, '-shell=false'])
  const both = [baton, consul]
  await Promise.all(both.map(watcher => watcher.ran(1)))
  const warmUp = 5
  const changes = changesFor(keys)
  for (let change = 0; change < warmUp + changes; change += 1) {
    if (change === warmUp) for (const watcher of both) watcher.start()
    const runs = both.map(watcher => watcher.runs)
    await raw(address).kvPut(`${prefix}key-000007`, `change ${change}`)
    await Promise.all(both.map((watcher, at) => watcher.ran((runs[at] ?? 0) + 1)))
    await sleep(pauseMs)
  }
  const [ours, theirs] = [baton.usedMs / changes, consul.usedMs / changes]
  const [ourPeak, theirPeak] = [baton.peakMB, consul.peakMB]
  const [ourTime, theirTime] = [median(baton.latencies), median(consul.latencies)]
  print(
    `  ${String(keys).padStart(6)} keys: CPU ${ours.toFixed(1)} / ${theirs.toFixed(1)} ms ${ratio(ours, theirs)}` +
      `, peak ${ourPeak.toFixed(0)} / ${theirPeak.toFixed(0)} MB ${ratio(ourPeak, theirPeak)}` +
      `, latency ${ourTime.toFixed(0)} / ${theirTime.toFixed(0)} ms ${ratio(ourTime, theirTime)}`,
  )
}

await using agent = await startDevAgent()
print('one change of a large list, baton watch / consul watch: processor time, peak memory, median latency')
for (const keys of sizes) await compare(agent.address, keys)
