import {afterEach, beforeEach} from 'vitest'
import {markerName, renewMarker} from './marker.js'
import {killQuietly} from './process-guard.js'
import {findByEnv, type ProcessInfo} from './processes.js'
import {type RawSession, raw} from './raw-consul.js'
import {waitUntil} from './wait-until.js'

export interface LeakOptions {
  /** The agent whose keys and sessions are checked. Without it, only processes and handles are checked. */
  readonly agent?: {readonly address: string; readonly addresses: ReadonlyMap<string, string>}
  /** Returns true for sessions that a test may leave behind, for instance because they are meant to expire. */
  readonly mayStay?: (session: RawSession) => boolean
  /** True if tests share a client or a server that opens sockets by itself. @default false */
  readonly ignoreHandles?: boolean
  /** Time limit for everything to end, in milliseconds. @default 3000 */
  readonly graceMs?: number
}

export interface LeakCheck {
  /** A prefix `test/<id>/` that is new for each test. All keys of the test belong below it. */
  readonly prefix: string
  /**
   * The value of BATON_TEST_ID for each command that the test starts. The kit's command runner sets this variable by
   * itself.
   */
  readonly id: string
}

interface Found {
  readonly keys: readonly string[]
  readonly sessions: readonly RawSession[]
  readonly processes: readonly ProcessInfo[]
  readonly handles: readonly string[]
}

const watchedHandles = ['TCPServerWrap', 'TCPSocketWrap', 'ProcessWrap', 'PipeWrap', 'UDPWrap']

/** Counts the servers, sockets, pipes and children of this process, by kind. */
function countHandles(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo())
    if (watchedHandles.includes(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

const isClean = (found: Found): boolean => Object.values(found).every(list => (list as unknown[]).length === 0)

function describeLeaks({keys, sessions, processes, handles}: Found): string {
  const lines = [
    ...keys.map(key => `key ${key}`),
    ...sessions.map(session => `session ${session.ID} (${session.Name || 'no name'}) on ${session.Node}`),
    ...processes.map(info => `process ${info.pid} (${info.comm}), state ${info.state}, group ${info.pgid}`),
    ...handles,
  ]
  return `left behind by this test:\n  ${lines.join('\n  ')}`
}

/** Checks one test. It is created before the test starts; `end` is called after the test. */
export class LeakWatch implements LeakCheck {
  id = renewMarker()
  readonly #options: LeakOptions
  #sessionsBefore = new Set<string>()
  #handlesBefore = new Map<string, number>()

  constructor(options: LeakOptions = {}) {
    this.#options = options
  }

  get prefix(): string {
    return `test/${this.id}/`
  }

  async begin(): Promise<void> {
    this.id = renewMarker()
    this.#sessionsBefore = new Set((await this.#sessions()).map(session => session.ID))
    this.#handlesBefore = countHandles()
  }

  /**
   * Waits until nothing is left. If something still remains after the time limit, reports it, and removes it so that
   * the next test does not fail because of it.
   */
  async end(): Promise<void> {
    const {graceMs = 3000} = this.#options
    let found = await this.#look()
    if (!isClean(found)) {
      const clean = waitUntil(async () => isClean((found = await this.#look())), {what: 'no leaks', timeoutMs: graceMs})
      await clean.catch(() => undefined)
    }
    if (isClean(found)) return
    await this.#sweep(found)
    throw new Error(describeLeaks(found))
  }

  get #agents(): readonly string[] {
    return [...(this.#options.agent?.addresses.values() ?? [])]
  }

  async #sessions(): Promise<RawSession[]> {
    return (await Promise.all(this.#agents.map(address => raw(address).sessions()))).flat()
  }

  async #look(): Promise<Found> {
    const keys = (await Promise.all(this.#agents.map(address => raw(address).kvKeys(this.prefix)))).flat()
    const sessions = (await this.#sessions()).filter(
      session => !this.#sessionsBefore.has(session.ID) && this.#options.mayStay?.(session) !== true,
    )
    const counts = this.#options.ignoreHandles ? [] : [...countHandles()]
    const handles = counts.flatMap(([kind, count]) => {
      const more = count - (this.#handlesBefore.get(kind) ?? 0)
      return more > 0 ? [`${more} handle(s) of kind ${kind}`] : []
    })
    return {keys, sessions, processes: findByEnv(`${markerName}=${this.id}`), handles}
  }

  async #sweep(found: Found): Promise<void> {
    for (const {pid} of found.processes) killQuietly(pid)
    for (const address of this.#agents) {
      await raw(address).kvDelete(this.prefix, {recurse: true})
      for (const session of found.sessions) await raw(address).request('PUT', `/v1/session/destroy/${session.ID}`)
    }
  }
}

/**
 * Checks every test of the enclosing `describe`. Call it after `sharedAgent`, so that the check runs before the agent
 * stops.
 */
export function useLeakCheck(options: LeakOptions = {}): LeakCheck {
  const watch = new LeakWatch(options)
  beforeEach(() => watch.begin())
  afterEach(() => watch.end())
  return watch
}
