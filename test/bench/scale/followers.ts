import {mkdtempSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {renderPart} from '../../../src/cli/status/json.js'
import type {ConsulClient} from '../../../src/core/client.js'
import {kvPrefix} from '../../../src/core/query/topics.js'
import {createViewRegistry} from '../../../src/core/query/view-registry.js'
import {createDirectory} from '../../../src/discover/open.js'
import {followEvents} from '../../../src/event/follow-events.js'
import {fireEvent} from '../../../src/event/ring/fire.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {StatusFeed} from '../../../src/status/feed.js'
import {readStatus} from '../../../src/status/read-status.js'
import {runTemplates} from '../../../src/template/run.js'
import {waitUntil} from '../../kit/wait-until.js'
import {type Capability, each, keep, type Place} from './capability.js'

/** Starts one follower, and resolves when it has its first answer. It calls `onChange` for each later change. */
type Follow = (client: ConsulClient, at: number, onChange: () => void, signal: AbortSignal) => Promise<void>

interface Following {
  readonly name: string
  readonly unit: string
  readonly follow: Follow
  /** Makes a change that all followers report. `at` is the number of the change. */
  readonly change: (outside: ConsulClient, at: number, place: Place) => Promise<unknown>
}

/** A follower on each node. One unit of work is a change that all of them have reported. */
const following = ({name, unit, follow, change}: Following): Capability => ({
  name,
  unit,
  async start(place) {
    const {count, node, outside, signal} = place
    let changes = 0
    await change(outside, changes, place)
    const seen = new Array<number>(count).fill(0)
    await each(count, at => follow(node(), at, () => void (seen[at]! += 1), signal))
    return {
      async work() {
        const before = [...seen]
        await change(outside, (changes += 1), place)
        await waitUntil(() => seen.every((n, at) => n > before[at]!), {what: 'all to see it', timeoutMs: 60_000})
      },
    }
  },
})

const writeKey: Following['change'] = (outside, at) => outside.kv.put('app/key', Buffer.from(`${at}`.padEnd(100)))

const watch = following({
  name: 'watch',
  unit: 'one change of a key of 100 bytes',
  async follow(client, _at, onChange, signal) {
    const subscription = createViewRegistry(client).view(kvPrefix(client, 'app/')).subscribe()
    await subscription.ready
    const read = async (): Promise<void> => {
      for await (const frame of subscription.frames()) if (frame.type === 'upsert') onChange()
    }
    signal.addEventListener('abort', () => void subscription[Symbol.asyncDispose]())
    keep(signal, read())
  },
  change: writeKey,
})

const discover = following({
  name: 'discover',
  unit: 'one change of a document of one service',
  async follow(client, _at, onChange, signal) {
    const directory = await createDirectory(client, {key: 'app/services'})
    keep(signal, directory.run())
    const stop = new AbortController()
    signal.addEventListener('abort', () => {
      stop.abort()
      void directory[Symbol.asyncDispose]()
    })
    await directory.until(() => directory.current !== undefined, stop.signal)
    const read = async (): Promise<void> => {
      for (let last = directory.current; !stop.signal.aborted; last = directory.current) {
        await directory.until(() => directory.current !== last, stop.signal)
        onChange()
      }
    }
    keep(signal, read())
  },
  change: (outside, at) => {
    const services = [{uri: `http://10.0.0.1:${1000 + at}`, capabilities: [{name: 'render', capacity: 1}]}]
    return outside.kv.put('app/services', Buffer.from(JSON.stringify({services})))
  },
})

const template = following({
  name: 'template',
  unit: 'one change of a key of 100 bytes, and the file',
  follow(client, _at, onChange, signal) {
    const destination = join(mkdtempSync(join(tmpdir(), 'bench-scale-')), 'out')
    const specs = [{name: 'in', text: '{{ key "app/key" }}', destination}]
    return new Promise((resolve, reject) => {
      const onReady = async (): Promise<void> => resolve()
      const onWritten = async (): Promise<void> => onChange()
      const run = runTemplates(client, specs, {signal, env: {}, onReady, onWritten})
      run.catch(reject)
      keep(signal, run)
    })
  },
  change: writeKey,
})

const eventWatch = following({
  name: 'event watch',
  unit: 'one event of 100 bytes',
  async follow(client, _at, onChange, signal) {
    const events = followEvents(client, {name: 'deploy', signal})
    await events.ready
    const read = async (): Promise<void> => {
      for await (const _ of events) onChange()
    }
    keep(signal, read())
  },
  change: outside => fireEvent(outside, 'deploy', {payload: Buffer.alloc(100, 'x')}),
})

const status = {prefix: 'jobs/', statusDir: 'service/consul-replicate/statuses'}

let held: AsyncDisposable | undefined

const ui = following({
  name: 'ui',
  unit: 'one lock that is acquired or released',
  async follow(client, _at, onChange, signal) {
    const feed = new StatusFeed({client, ...status, render: renderPart})
    const view = feed.view()
    const stop = new AbortController()
    signal.addEventListener('abort', () => {
      stop.abort()
      view[Symbol.dispose]()
      void feed[Symbol.asyncDispose]()
    })
    const version = (): number => feed.texts.get('locks')?.version ?? 0
    await feed.until(() => version() > 0, stop.signal)
    const read = async (): Promise<void> => {
      for (let last = version(); ; last = version()) {
        await feed.until(() => version() > last, stop.signal)
        onChange()
      }
    }
    keep(signal, read())
  },
  async change(outside, _at, {signal}) {
    const last = held
    held = last ? undefined : await createMutex(outside, {prefix: 'jobs/work'}).acquire({signal})
    await last?.[Symbol.asyncDispose]()
  },
})

const looks: Capability = {
  name: 'status',
  unit: 'one look on each node, with no locks',
  async start({count, node, signal}) {
    const clients = Array.from({length: count}, node)
    return {work: () => each(count, at => readStatus({client: clients[at]!, signal, ...status}))}
  },
}

export const followingFleets: readonly Capability[] = [watch, discover, template, eventWatch, ui, looks]
