import {setMaxListeners} from 'node:events'
import type {ConsulClient} from '../core/client.js'
import {CancelledError, messageOf, PermissionError} from '../core/errors.js'
import {follow} from '../core/query/follow.js'
import {kvKeys, listTopic, service} from '../core/query/topics.js'
import type {BlockingQuery} from '../core/query/types.js'
import {Wake} from '../core/time/wake.js'
import type {SessionInfo} from '../core/types.js'
import {responderService} from '../exec/initiator/targets.js'
import {readers} from './parts.js'
import type {StatusContext, StatusPartName, StatusParts} from './types.js'

/** Options of a feed. */
export interface StatusFeedOptions extends Omit<StatusContext, 'signal'> {
  /** Converts a part of the status to the object that viewers receive as JSON. */
  readonly render: <Name extends StatusPartName>(name: Name, part: StatusParts[Name]) => unknown
  /** Time for which the feed continues after the last viewer has left, in milliseconds. @default 15000 */
  readonly lingerMs?: number
}

/** A part of the status as JSON. `version` is greater than that of every earlier text. */
export interface FeedText {
  readonly json: string
  readonly version: number
}

/** Pause between two reads of a part. */
const pauseMs = 150
/**
 * If a read takes longer than this, for instance because there are very many keys, the pause after it is a multiple of
 * its duration.
 */
const slowMs = 400
const slowFactor = 5
/** Longest pause between two attempts of a query while Consul cannot be reached. */
const mostPauseMs = 2000
/** Pause before a part that could not be read is read again. */
const retryMs = 2000
/**
 * Interval at which each part is read even if no query reports a change, because some parts also change with time or on
 * this host.
 */
const refreshMs: Readonly<Record<StatusPartName, number>> = {
  agent: 60_000,
  locks: 60_000,
  exec: 60_000,
  replication: 10_000,
  watchers: 3000,
  missingRules: 60_000,
}

/**
 * Keeps the parts of a status current while there are viewers. Blocking queries report that a part may have changed,
 * and the part is then read again, once for all viewers. While Consul cannot be reached, the last parts stay.
 */
export class StatusFeed implements AsyncDisposable {
  readonly #options: StatusFeedOptions
  readonly #texts = new Map<StatusPartName | 'contact', FeedText>()
  readonly #changed = new Wake()
  readonly #failing = new Map<string, string>()
  #version = 0
  #viewers = 0
  #stop: AbortController | undefined
  #running: Promise<unknown> = Promise.resolve()
  #linger: Disposable | undefined
  #isDisposed = false

  constructor(options: StatusFeedOptions) {
    this.#options = options
  }

  /** The newest text of each part that was read, and of `contact`, which shows whether Consul answers. */
  get texts(): ReadonlyMap<StatusPartName | 'contact', FeedText> {
    return this.#texts
  }

  /** Adds a viewer until the result is disposed. The first viewer starts the reading. */
  view(): Disposable {
    this.#viewers += 1
    this.#linger?.[Symbol.dispose]()
    if (!this.#stop && !this.#isDisposed) this.#start()
    let isOver = false
    return {
      [Symbol.dispose]: () => {
        if (isOver) return
        isOver = true
        this.#viewers -= 1
        if (this.#viewers > 0) return
        const {client, lingerMs = 15_000} = this.#options
        this.#linger = client.clock.timer(lingerMs, () => this.#end(), {ref: false})
      },
    }
  }

  /**
   * Resolves when the condition is true. The condition is checked after each new text. Rejects with the signal's reason
   * if the signal aborts first.
   */
  async until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    while (!condition()) await this.#changed.wait(signal)
  }

  /** Ends all queries. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    this.#linger?.[Symbol.dispose]()
    this.#end()
    await this.#running
  }

  #end(): void {
    this.#stop?.abort(new CancelledError())
    this.#stop = undefined
    // A later viewer must not mistake old texts for current ones.
    this.#texts.clear()
  }

  #start(): void {
    const stop = new AbortController()
    // Each query and each part adds a listener, so there may be more than Node's usual limit.
    setMaxListeners(0, stop.signal)
    this.#stop = stop
    this.#failing.clear()
    const names = Object.keys(readers) as readonly StatusPartName[]
    this.#running = Promise.all([this.#running, ...names.map(name => this.#keep(name, stop.signal))])
  }

  async #keep(name: StatusPartName, signal: AbortSignal): Promise<void> {
    const {client} = this.#options
    const dirty = new Wake()
    const followers = triggers(name, this.#options).map(query => this.#follow(query, dirty, signal))
    let beforeMs = 0
    while (!signal.aborted) {
      const startMs = client.clock.monotonicMs()
      const isRead = await this.#read(name, signal)
      const tookMs = client.clock.monotonicMs() - startMs
      // A single slow read, such as the first one, may have another cause than the number of keys.
      const usualMs = Math.min(tookMs, beforeMs)
      beforeMs = tookMs
      const restMs = isRead ? (usualMs > slowMs ? slowFactor * usualMs : pauseMs) : retryMs
      try {
        await client.clock.sleep(restMs, signal)
        if (isRead) await dirty.waitAtMost(refreshMs[name], {clock: client.clock, signal})
      } catch {
        break
      }
    }
    await Promise.all(followers)
  }

  async #read(name: StatusPartName, signal: AbortSignal): Promise<boolean> {
    try {
      const part = await readers[name]({...this.#options, signal})
      if (signal.aborted) return false
      this.#note(`read ${name}`)
      this.#publish(name, this.#options.render(name, part))
      return true
    } catch (error) {
      if (signal.aborted) return false
      // A missing permission will not come back soon, so it is shown. After other failures, the last valid text stays,
      // and `contact` says that it is old.
      if (error instanceof PermissionError) this.#publish(name, {problem: messageOf(error)})
      else this.#note(`read ${name}`, messageOf(error))
      return false
    }
  }

  async #follow(query: BlockingQuery<unknown>, dirty: Wake, signal: AbortSignal): Promise<void> {
    const {client} = this.#options
    try {
      const answers = follow(query, client, {
        signal,
        maxPauseMs: mostPauseMs,
        onStatus: status => {
          if (status.type === 'retrying') this.#note(query.id, messageOf(status.error))
        },
      })
      for await (const {kind} of answers) {
        this.#note(query.id)
        if (kind !== 'unchanged') dirty.wake()
      }
    } catch (error) {
      if (!signal.aborted) this.#note(query.id, messageOf(error))
    }
  }

  /** Records that a query failed with this problem or, without a problem, that Consul answered it. */
  #note(id: string, problem?: string): void {
    if (problem === undefined) this.#failing.delete(id)
    else this.#failing.set(id, problem)
    const [first] = this.#failing.values()
    this.#publish('contact', {isLive: first === undefined, problem: first ?? null})
  }

  #publish(name: StatusPartName | 'contact', value: unknown): void {
    const json = JSON.stringify(value)
    if (this.#texts.get(name)?.json === json) return
    this.#version += 1
    this.#texts.set(name, {json, version: this.#version})
    this.#changed.wake()
  }
}

/** Returns the blocking queries whose answers change when this part of the status may have changed. */
function triggers(
  name: StatusPartName,
  {client, prefix, statusDir}: StatusFeedOptions,
): readonly BlockingQuery<unknown>[] {
  // The index of this query changes with every key below the prefix, but the answer contains only the first level of
  // names.
  const below = (start: string): BlockingQuery<unknown> => kvKeys(client, start, {separator: '/'})
  if (name === 'locks') return [sessions(client), below(prefix)]
  if (name === 'exec') return [below('baton/exec/v1/'), service(client, responderService)]
  return name === 'replication' ? [below(`${statusDir}/`)] : []
}

const sessions = (client: ConsulClient): BlockingQuery<readonly SessionInfo[], SessionInfo> =>
  listTopic(client, {
    name: 'session.list',
    scope: {},
    read: options => client.session.list(options),
    entries: list => list.map(one => ({key: one.id, version: one.createIndex, item: one})),
  })
