import {mkdtempSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {kvPrefix} from '../../../src/core/query/topics.js'
import {createViewRegistry} from '../../../src/core/query/view-registry.js'
import {followEvents} from '../../../src/event/follow-events.js'
import {fireEvent} from '../../../src/event/ring/fire.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {generateKey} from '../../../src/exec/native/keys.js'
import {trustKeys} from '../../../src/exec/native/trust.js'
import {createResponder} from '../../../src/exec/responder/responder.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {registerService} from '../../../src/service/register.js'
import {waitUntil} from '../../kit/wait-until.js'

/** A fleet at rest. */
export interface Fleet {
  /** Does one unit of work. */
  readonly work: () => Promise<void>
}

/** Where a fleet runs. Each of its clients stands for a node, and has connections of its own. */
export interface Place {
  readonly count: number
  /** Makes a client whose traffic is counted. */
  readonly node: () => ConsulClient
  /** The agent itself: what this client does is not counted as traffic. */
  readonly outside: ConsulClient
  readonly signal: AbortSignal
}

/** A capability of baton whose cost is measured. */
export interface Capability {
  readonly name: string
  /** What `work` does. */
  readonly unit: string
  /** True if the cost of the work is not divided by the number of nodes. */
  readonly isWhole?: boolean
  readonly start: (place: Place) => Promise<Fleet>
}

/** Acts for each node, for 50 of them at a time: together, 1,000 would measure how busy this machine is. */
async function each(count: number, act: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const some = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) await act(at)
  }
  await Promise.all(Array.from({length: 50}, some))
}

/** Runs until the signal aborts. The failure that the abort causes is expected. */
function keep(signal: AbortSignal, running: Promise<unknown>): void {
  running.catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

const heldLocks: Capability = {
  name: 'lock, holding a key of its own',
  unit: 'one acquisition and release on each node',
  async start({count, node, signal}) {
    const clients = Array.from({length: count}, node)
    const hold = (at: number, name: string): Promise<AsyncDisposable> =>
      createMutex(clients[at]!, {prefix: `jobs/${name}-${at}`}).acquire({signal})
    await each(count, at => hold(at, 'held'))
    return {work: () => each(count, async at => (await hold(at, 'work'))[Symbol.asyncDispose]())}
  },
}

const waitingLocks: Capability = {
  name: 'lock, all waiting for one key',
  unit: 'in all, one new contender and one hand-over',
  isWhole: true,
  async start({count, node, outside, signal}) {
    const queue: AsyncDisposable[] = []
    const acquire = async (): Promise<void> => {
      queue.push(await createMutex(node(), {prefix: 'jobs/shared'}).acquire({signal}))
    }
    await acquire()
    for (let at = 0; at < count; at += 1) keep(signal, acquire())
    const entries = async (): Promise<number> => (await outside.kv.keys('jobs/shared/.queue/')).value.length
    await waitUntil(async () => (await entries()) === count, {what: 'all to wait', timeoutMs: 300_000})
    return {
      async work() {
        const holds = queue.length
        keep(signal, acquire())
        await waitUntil(async () => (await entries()) > count, {what: 'one more to wait', timeoutMs: 60_000})
        await queue.at(-1)?.[Symbol.asyncDispose]()
        await waitUntil(() => queue.length > holds, {what: 'the hand-over', timeoutMs: 60_000})
      },
    }
  },
}

const responders: Capability = {
  name: 'responder',
  unit: 'one run of `true` on all nodes',
  async start({count, node, outside, signal}) {
    const folder = mkdtempSync(join(tmpdir(), 'bench-scale-'))
    const key = generateKey('bench', 0)
    const trusted = trustKeys([key.publicFile])
    writeFileSync(join(folder, 'key'), key.privateFile, {mode: 0o600})
    let ready = 0
    for (let at = 0; at < count; at += 1) {
      const responder = createResponder(node(), {
        trust: trusted,
        stateDirectory: folder,
        node: `sim-${at}`,
        env: process.env,
        // The only agent here tells the catalog about one service after the other: with the default, services of a large
        // fleet expire meanwhile.
        ...(count > 20 && {ttlMs: 120_000}),
        observer: event => {
          if (event.type === 'responder.registered') ready += 1
        },
      })
      keep(signal, responder.serve({signal}))
    }
    const isReady = async (): Promise<boolean> =>
      ready === count && (await outside.catalog.service('baton-responder', {passing: true})).value.length === count
    await waitUntil(isReady, {what: 'all responders', timeoutMs: 300_000})
    return {
      async work() {
        const initiator = createInitiator(outside, {keys: [key.key], via: 'native', ackTimeoutMs: 120_000})
        await using run = await initiator.run({command: {kind: 'shell', line: 'true'}}, {node: '^sim-'})
        const {nodes} = await run.summary
        if (nodes.length !== count) throw new Error(`${nodes.length} of ${count} nodes answered`)
      },
    }
  },
}

const followers: Capability = {
  name: 'watch, discover, template: a query each',
  unit: 'one change of a key of 100 bytes',
  async start({count, node, outside, signal}) {
    await outside.kv.put('app/key', Buffer.alloc(100))
    const seen = new Array<number>(count).fill(0)
    let change = 0
    await each(count, async at => {
      const client = node()
      const subscription = createViewRegistry(client).view(kvPrefix(client, 'app/')).subscribe()
      await subscription.ready
      const read = async (): Promise<void> => {
        for await (const frame of subscription.frames()) if (frame.type === 'upsert') seen[at]! += 1
      }
      signal.addEventListener('abort', () => void subscription[Symbol.asyncDispose]())
      keep(signal, read())
    })
    return {
      async work() {
        const before = [...seen]
        await outside.kv.put('app/key', Buffer.from(`${(change += 1)}`.padEnd(100)))
        await waitUntil(() => seen.every((n, at) => n > before[at]!), {what: 'all to see it', timeoutMs: 60_000})
      },
    }
  },
}

const eventWatchers: Capability = {
  name: 'event watch',
  unit: 'one event of 100 bytes',
  async start({count, node, outside, signal}) {
    const seen = new Array<number>(count).fill(0)
    await each(count, async at => {
      const events = followEvents(node(), {name: 'deploy', signal})
      await events.ready
      const read = async (): Promise<void> => {
        for await (const _ of events) seen[at]! += 1
      }
      keep(signal, read())
    })
    return {
      async work() {
        const before = [...seen]
        await fireEvent(outside, 'deploy', {payload: Buffer.alloc(100, 'x')})
        await waitUntil(() => seen.every((n, at) => n > before[at]!), {what: 'all to see it', timeoutMs: 60_000})
      },
    }
  },
}

const services: Capability = {
  name: 'service run',
  unit: 'one change of the health of each',
  async start({count, node}) {
    const all: Awaited<ReturnType<typeof registerService>>[] = []
    await each(count, async at => all.push(await registerService(node(), {name: 'shop', port: 1024 + at})))
    let isFine = true
    return {
      async work() {
        isFine = !isFine
        await each(count, at => all[at]!.setState(isFine ? 'passing' : 'warning', 'bench'))
      },
    }
  },
}

const replicator: Capability = {
  name: 'replicate, one process for as many keys',
  unit: 'in all, one changed key',
  isWhole: true,
  async start({count, node, outside, signal}) {
    await each(count, at => outside.kv.put(`app/${at}`, Buffer.alloc(100)))
    const passes = createReplicator(node(), {mappings: [parseMapping('app/@dc1:copy/')]}).run({signal})
    const run = async (): Promise<void> => {
      for await (const _ of passes) signal.throwIfAborted()
    }
    keep(signal, run())
    const isCopied = async (): Promise<boolean> => (await outside.kv.keys('copy/')).value.length === count
    await waitUntil(isCopied, {what: 'the copy', timeoutMs: 300_000})
    let change = 0
    return {
      async work() {
        const value = `${(change += 1)}`
        await outside.kv.put('app/0', Buffer.from(value))
        const read = async (): Promise<string | undefined> => (await outside.kv.get('copy/0')).value?.value.toString()
        await waitUntil(async () => (await read()) === value, {what: 'the copy', timeoutMs: 60_000})
      },
    }
  },
}

export const capabilities: readonly Capability[] = [
  heldLocks,
  waitingLocks,
  responders,
  followers,
  eventWatchers,
  services,
  replicator,
]

/** Makes clients of an address, and disposes them together. */
export class Clients implements AsyncDisposable {
  readonly #all: ConsulClient[] = []
  readonly #address: string
  constructor(address: string) {
    this.#address = address
  }
  readonly make = (): ConsulClient => {
    const client = createClient({address: this.#address})
    this.#all.push(client)
    return client
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map(client => client[Symbol.asyncDispose]()))
  }
}
