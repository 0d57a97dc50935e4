/**
 * Latency and cost of following a key, compared with bare loops, the npm client `consul` and `consul watch`, on one
 * agent. Run with `npx tsx test/bench/core/watch.ts`; needs `consul` on PATH. Prints ratios: times depend on the
 * machine.
 */
import {spawn} from 'node:child_process'
import {Agent, request} from 'node:http'
import {setTimeout as sleep} from 'node:timers/promises'
import Consul from 'consul'
import {createClient} from '../../../src/core/client.js'
import {kvKey} from '../../../src/core/query/topics.js'
import {createViewRegistry} from '../../../src/core/query/view-registry.js'
import {startDevAgent} from '../../kit/consul-server.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {raw} from '../../kit/raw-consul.js'

type Seen = (value: string) => void
/** Follows a key at an address until disposed, and reports each value. */
type Follower = (address: string, key: string, seen: Seen) => AsyncDisposable

const writes = Number(process.env['BENCH_WRITES'] ?? 200)
const warmUpWrites = 10
const pauseMs = 60
const print = (line: string): void => void process.stdout.write(`${line}\n`)

const bareLoop: Follower = (address, key, seen) => {
  const agent = new Agent({keepAlive: true})
  const stop = new AbortController()
  const ask = (index: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const url = `${address}/v1/kv/${key}?index=${index}&wait=60s`
      request(url, {agent, signal: stop.signal}, response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          if (response.statusCode === 200) {
            const [entry] = JSON.parse(Buffer.concat(chunks).toString()) as [{Value: string}]
            seen(Buffer.from(entry.Value, 'base64').toString())
          }
          resolve(String(response.headers['x-consul-index']))
        })
      })
        .on('error', reject)
        .end()
    })
  const run = async (): Promise<void> => {
    for (let index = '0'; ; ) index = await ask(index)
  }
  run().catch(() => {})
  return {[Symbol.asyncDispose]: async () => stop.abort()}
}

/** A loop that uses Node's `fetch`. */
const fetchLoop: Follower = (address, key, seen) => {
  const stop = new AbortController()
  const run = async (): Promise<void> => {
    for (let index = '0'; ; ) {
      const answer = await fetch(`${address}/v1/kv/${key}?index=${index}&wait=60s`, {signal: stop.signal})
      index = answer.headers.get('x-consul-index') ?? '0'
      if (!answer.ok) continue
      const [entry] = (await answer.json()) as [{Value: string}]
      seen(Buffer.from(entry.Value, 'base64').toString())
    }
  }
  run().catch(() => {})
  return {[Symbol.asyncDispose]: async () => stop.abort()}
}

const baton: Follower = (address, key, seen) => {
  const client = createClient({address})
  const registry = createViewRegistry(client, {lingerMs: 0})
  const subscription = registry.view(kvKey(client, key)).subscribe()
  const run = async (): Promise<void> => {
    for await (const {value} of subscription.snapshots()) if (value) seen(value.value.toString())
  }
  void run()
  return {
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]()
      await client[Symbol.asyncDispose]()
    },
  }
}

const npmClient: Follower = (address, key, seen) => {
  const {hostname, port} = new URL(address)
  const client = new Consul({host: hostname, port: Number(port)})
  const watch = client.watch({method: client.kv.get.bind(client.kv), options: {key, wait: '60s'}})
  watch.on('change', (data: {Value?: string} | undefined) => {
    if (data?.Value !== undefined) seen(data.Value)
  })
  watch.on('error', () => {})
  return {[Symbol.asyncDispose]: async () => watch.end()}
}

const goTool: Follower = (address, key, seen) => {
  const child = spawn('consul', ['watch', `-http-addr=${address}`, '-type=key', `-key=${key}`, 'cat'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = new Promise(resolve => child.on('exit', resolve))
  child.stdout.on('data', (chunk: Buffer) => {
    for (const [, value = ''] of chunk.toString().matchAll(/"Value":"([^"]*)"/g)) {
      seen(Buffer.from(value, 'base64').toString())
    }
  })
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await exited
    },
  }
}

interface Contestant extends AsyncDisposable {
  readonly name: string
  readonly times: number[]
  /** Resolves when the follower has reported this value. */
  readonly waitFor: (value: string) => Promise<void>
}

async function enter(address: string, name: string, follow: Follower): Promise<Contestant> {
  let onSeen: Seen = () => {}
  const waitFor = (value: string): Promise<void> =>
    new Promise(resolve => {
      onSeen = now => {
        if (now === value) resolve()
      }
    })
  await raw(address).kvPut(keyOf(name), 'start')
  const started = waitFor('start')
  const follower = follow(address, keyOf(name), value => onSeen(value))
  await started
  return {name, times: [], waitFor, [Symbol.asyncDispose]: () => follower[Symbol.asyncDispose]()}
}

const keyOf = (name: string): string => `bench/${name.replace(' ', '-')}`

/**
 * In each round, one write is timed for each contestant, and a different contestant begins, so that other load on the
 * machine affects all of them.
 */
async function race(address: string, contestants: readonly Contestant[]): Promise<void> {
  for (let write = 0; write < warmUpWrites + writes; write += 1) {
    const first = write % contestants.length
    for (const {name, times, waitFor} of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      await sleep(pauseMs)
      const atMs = performance.now()
      const seen = waitFor(String(write)).then(() => performance.now() - atMs)
      await raw(address).kvPut(keyOf(name), String(write))
      const elapsedMs = await seen
      if (write >= warmUpWrites) times.push(elapsedMs)
    }
  }
}

const quantile = (times: readonly number[], part: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * part)] ?? 0

/** The cost of `count` readers of one key, during ten writes to this key and ten writes to other keys. */
interface Cost {
  /** Number of requests per reader. */
  readonly requests: number
  /** CPU time of this process, which contains the readers, the counting proxy and the writer. */
  readonly cpuMs: number
}

async function costOf(address: string, count: number, follow: (address: string) => AsyncDisposable): Promise<Cost> {
  await using proxy = await HttpProxy.start(address)
  await using _followers = follow(proxy.address)
  await sleep(1000)
  const before = process.cpuUsage()
  for (let write = 0; write < 10; write += 1) {
    await raw(address).kvPut('bench/shared', String(write))
    await raw(address).kvPut('bench/unrelated', String(write))
    await sleep(150)
  }
  const {user, system} = process.cpuUsage(before)
  return {requests: proxy.requests.length / count, cpuMs: (user + system) / 1000}
}

async function memory(address: string, queries: number, readers: number): Promise<number> {
  await using client = createClient({address})
  await using registry = createViewRegistry(client, {lingerMs: 0})
  global.gc?.()
  const before = process.memoryUsage().heapUsed
  const all = Array.from({length: readers}, (_, at) =>
    registry.view(kvKey(client, `bench/m${at % queries}`)).subscribe(),
  )
  await Promise.all(all.map(subscription => subscription.ready))
  for (const subscription of all) void subscription.snapshots().next()
  await sleep(300)
  global.gc?.()
  return (process.memoryUsage().heapUsed - before) / 1024
}

const shared = (): string => 'bench/shared'
/** Returns a separate key for each reader. Only the key of reader 0 is written to. */
const ownKey = (at: number): string => (at === 0 ? shared() : `bench/other/${at}`)

const many =
  (count: number, follow: Follower, key: (at: number) => string = shared) =>
  (address: string): AsyncDisposable => {
    const followers = Array.from({length: count}, (_, at) => follow(address, key(at), () => {}))
    return {
      [Symbol.asyncDispose]: async () => {
        for (const follower of followers) await follower[Symbol.asyncDispose]()
      },
    }
  }

const manyOfOneView =
  (count: number, key: (at: number) => string = shared) =>
  (address: string): AsyncDisposable => {
    const client = createClient({address})
    const registry = createViewRegistry(client, {lingerMs: 0})
    for (let reader = 0; reader < count; reader += 1) registry.view(kvKey(client, key(reader))).subscribe()
    return {
      [Symbol.asyncDispose]: async () => {
        await registry[Symbol.asyncDispose]()
        await client[Symbol.asyncDispose]()
      },
    }
  }

await using agent = await startDevAgent()
const {address} = agent
const followers: readonly (readonly [string, Follower])[] = [
  ['bare loop', bareLoop],
  ['fetch loop', fetchLoop],
  ['baton view', baton],
  ['npm consul', npmClient],
  ['consul watch', goTool],
]
const contestants: Contestant[] = []
for (const [name, follow] of followers) contestants.push(await enter(address, name, follow))
await race(address, contestants)
const bareMs = quantile(contestants[0]?.times ?? [], 0.5)
print(`write to reader, ${writes} single writes each`)
for (const {name, times} of contestants) {
  const [p50, p90] = [quantile(times, 0.5), quantile(times, 0.9)]
  print(`  ${name.padEnd(14)} p50 ${p50.toFixed(2)} ms  p90 ${p90.toFixed(2)} ms  ${(p50 / bareMs).toFixed(2)}x`)
}
for (const contestant of contestants) await contestant[Symbol.asyncDispose]()
print('requests a reader and processor time, 10 writes to the key and 10 elsewhere')
const show = ({requests, cpuMs}: Cost): string => `${requests.toFixed(2)} requests, ${cpuMs.toFixed(0)} ms`
for (const count of [1, 100, 1000]) {
  const ours = show(await costOf(address, count, manyOfOneView(count)))
  // Each reader of the npm client needs a connection, and an agent accepts at most 200 connections from one address.
  const theirs =
    count > 200 ? 'more connections than an agent takes' : show(await costOf(address, count, many(count, npmClient)))
  print(`  ${count} readers: baton ${ours}; npm consul ${theirs}`)
}
const [ours64, theirs64] = [
  show(await costOf(address, 64, manyOfOneView(64, ownKey))),
  show(await costOf(address, 64, many(64, npmClient, ownKey))),
]
print(`  64 different queries: baton ${ours64}; npm consul ${theirs64}`)
print('heap of baton (run node with --expose-gc for exact figures)')
for (const [queries, readers] of [
  [1, 1],
  [1, 100],
  [1, 1000],
  [64, 64],
] as const) {
  print(`  ${queries} queries, ${readers} readers: ${(await memory(address, queries, readers)).toFixed(0)} kB`)
}
