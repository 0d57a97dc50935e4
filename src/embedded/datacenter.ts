import type {Random, Timer} from '../core/types.js'
import type {LocalAgent} from './agent/local-agent.js'
import type {ScriptRunner} from './checks/probe.js'
import type {MovableClock} from './clock.js'
import type {Printable} from './go/json-print.js'
import {LockDelays} from './lock-delays.js'
import type {Profile} from './profile.js'
import {RpcError} from './refusals.js'
import type {SessionRow} from './store/sessions.js'
import {State, type StateImage} from './store/state.js'

const tombstoneAgeMs = 15 * 60_000
const reapEveryMs = 30_000
const leaderPatienceMs = 7_000

/** The autopilot settings. They are stored but have no effect. */
export interface Autopilot {
  readonly settings: Readonly<Record<string, Printable>>
  readonly createIndex: bigint
  readonly modifyIndex: bigint
}

const defaultAutopilot: Autopilot['settings'] = {
  CleanupDeadServers: true,
  LastContactThreshold: '200ms',
  MaxTrailingLogs: 250,
  MinQuorum: 0,
  ServerStabilizationTime: '10s',
  RedundancyZoneTag: '',
  DisableUpgradeMigration: false,
  UpgradeVersionTag: '',
}

export interface DatacenterOptions {
  readonly name: string
  readonly clock: MovableClock
  readonly random: Random
  readonly profile: Profile
  readonly runScript: ScriptRunner | undefined
}

/** The servers of one datacenter: its state, and the timers that run only on its leader. */
export class Datacenter implements Disposable {
  readonly name: string
  readonly clock: MovableClock
  readonly random: Random
  readonly profile: Profile
  readonly runScript: ScriptRunner | undefined
  readonly state: State
  readonly lockDelays: LockDelays
  readonly agents: LocalAgent[] = []
  hasLeader = true
  readonly startedMs: number
  autopilot: Autopilot = {settings: defaultAutopilot, createIndex: 4n, modifyIndex: 4n}
  /** Lamport time of the newest event. */
  eventTime = 1n
  readonly #ttlTimers = new Map<string, Timer>()
  #reaper: Timer | undefined

  constructor(options: DatacenterOptions) {
    this.name = options.name
    this.clock = options.clock
    this.startedMs = options.clock.wallMs()
    this.random = options.random
    this.profile = options.profile
    this.runScript = options.runScript
    this.lockDelays = new LockDelays(options.clock)
    this.state = new State({
      nowMs: options.clock.monotonicMs,
      onSession: (row, what, held) => (what === 'begun' ? this.armTtl(row) : this.#sessionEnded(row, held)),
    })
    this.#armReaper()
  }

  /** The agent that answers HTTP for this datacenter. */
  get server(): LocalAgent {
    return this.agents[0] as LocalAgent
  }

  /** Resolves at once if there is a leader. Otherwise waits for one, and rejects after Consul's limit of 7 s. */
  async leader(call: {readonly gone: boolean}): Promise<void> {
    if (this.hasLeader) return
    const untilMs = this.clock.monotonicMs() + leaderPatienceMs
    for (;;) {
      await this.clock.sleep(50)
      if (this.#leads()) return
      if (this.clock.monotonicMs() >= untilMs || call.gone) throw new RpcError('No cluster leader')
    }
  }

  /** Restarts the TTL of a session. The session expires after twice its TTL. */
  armTtl(row: SessionRow): void {
    this.#ttlTimers.get(row.id)?.[Symbol.dispose]()
    this.#ttlTimers.delete(row.id)
    if (row.ttlMs === 0) return
    const expire = (): void => {
      if (!this.hasLeader) return
      this.state.write(batch => this.state.endSession(batch, row))
    }
    this.#ttlTimers.set(row.id, this.clock.timer(row.ttlMs * 2, expire, {ref: false}))
  }

  /** Elects a new leader, which forgets all lock-delays and restarts the TTL of every session. */
  electLeader(): void {
    this.hasLeader = true
    this.lockDelays.clear()
    for (const row of this.state.sessions.list()) this.armTtl(row)
  }

  setAutopilot(settings: Autopilot['settings']): void {
    this.state.write(() => undefined)
    this.autopilot = {...this.autopilot, settings, modifyIndex: this.state.index}
  }

  /** Restores a saved state, under a new leader. */
  restore(image: StateImage): void {
    this.state.restore(image)
    this.electLeader()
  }

  [Symbol.dispose](): void {
    this.#reaper?.[Symbol.dispose]()
    for (const timer of this.#ttlTimers.values()) timer[Symbol.dispose]()
    this.#ttlTimers.clear()
    for (const agent of this.agents) agent[Symbol.dispose]()
  }

  readonly #leads = (): boolean => this.hasLeader

  #sessionEnded(row: SessionRow, held: readonly string[]): void {
    this.#ttlTimers.get(row.id)?.[Symbol.dispose]()
    this.#ttlTimers.delete(row.id)
    for (const key of held) this.lockDelays.start(key, row.lockDelayNs / 1e6)
  }

  #armReaper(): void {
    this.#reaper = this.clock.timer(
      reapEveryMs,
      () => {
        this.state.kv.reap(tombstoneAgeMs)
        this.lockDelays.sweep()
        this.#armReaper()
      },
      {ref: false},
    )
  }
}
