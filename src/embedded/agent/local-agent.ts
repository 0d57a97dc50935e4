import type {Timer} from '../../core/types.js'
import type {Probe, ProbeResult} from '../checks/probe.js'
import {Prober} from '../checks/prober.js'
import type {CheckRow, ServiceRow} from '../store/catalog-rows.js'
import {CacheLog} from './cache-log.js'
import {EventBuffer} from './event-buffer.js'
import type {AgentHome} from './home.js'

export type LocalService = Omit<ServiceRow, 'createIndex' | 'modifyIndex'>
export interface LocalCheck extends Omit<CheckRow, 'createIndex' | 'modifyIndex'> {
  /** Time to live of a TTL check in milliseconds; 0 for other checks. */
  readonly ttlMs: number
  /** Time for which the check must be critical before its service is deregistered; 0 for never. */
  readonly deregisterAfterMs: number
  /** The probe that the agent runs; undefined for a TTL check, whose status is reported by clients. */
  readonly probe: Probe | undefined
}

/**
 * Delay before a check is written to the catalog if only its output has changed. A real agent delays such writes to
 * reduce the load on its servers.
 */
const outputDelayMs = 5 * 60_000
const leastDeregisterMs = 60_000

const rowOf = ({
  ttlMs: _ttl,
  deregisterAfterMs: _after,
  probe: _probe,
  ...row
}: LocalCheck): Omit<CheckRow, 'createIndex' | 'modifyIndex'> => row

export interface LocalAgentOptions {
  readonly home: AgentHome
  readonly node: string
  readonly nodeId: string
  readonly address: string
  readonly meta: ReadonlyMap<string, string>
  /** True if the agent is a server, which registers the service `consul`. */
  readonly server: boolean
  readonly ports: {readonly rpc: number; readonly serfLan: number; readonly serfWan: number}
}

function stopTimer(timers: Map<string, Timer>, id: string): void {
  timers.get(id)?.[Symbol.dispose]()
  timers.delete(id)
}

/** One agent: the services and checks of its node, and its events. Each method updates the catalog before it returns. */
export class LocalAgent implements Disposable {
  readonly home: AgentHome
  readonly node: string
  readonly nodeId: string
  readonly address: string
  readonly meta: ReadonlyMap<string, string>
  readonly server: boolean
  readonly ports: LocalAgentOptions['ports']
  readonly services = new Map<string, LocalService>()
  readonly checks = new Map<string, LocalCheck>()
  readonly events = new EventBuffer()
  readonly cache: CacheLog
  /** The token for requests that have none. */
  defaultToken = ''
  readonly #ttlTimers = new Map<string, Timer>()
  readonly #outputTimers = new Map<string, Timer>()
  readonly #criticalTimers = new Map<string, Timer>()
  readonly #timers = [this.#ttlTimers, this.#outputTimers, this.#criticalTimers]
  readonly #serviceWaiters = new Set<() => void>()
  readonly #prober: Prober

  constructor(options: LocalAgentOptions) {
    this.home = options.home
    this.node = options.node
    this.nodeId = options.nodeId
    this.address = options.address
    this.meta = options.meta
    this.server = options.server
    this.ports = options.ports
    const {clock, random, runScript} = options.home
    this.cache = new CacheLog(clock)
    this.#prober = new Prober({clock, random, runScript, report: (id, result) => this.#report(id, result)})
  }

  /** Registers a service and its checks in one write to the catalog. */
  putService(service: LocalService, checks: readonly LocalCheck[] = []): void {
    const {state} = this.home
    this.services.set(service.id, service)
    const kept = checks.map(check => this.#keep(check))
    state.write(batch => {
      state.catalog.putService(batch, service)
      for (const check of kept) state.putCheck(batch, rowOf(check))
    })
    for (const check of kept) this.#arm(check)
    this.#servicesMoved()
  }

  removeService(id: string): void {
    const {state} = this.home
    for (const check of this.checks.values()) if (check.serviceId === id) this.#dropCheck(check.id)
    this.services.delete(id)
    const row = state.catalog.service(this.node, id)
    if (row) state.write(batch => state.removeService(batch, row))
    this.#servicesMoved()
  }

  putCheck(check: LocalCheck): void {
    const kept = this.#keep(check)
    this.#sync(kept)
    this.#arm(kept)
  }

  /** Sets a check's status and restarts the TTL of a TTL check. */
  updateCheck(check: LocalCheck, status: string, output: string): void {
    const updated = {...check, status, output}
    if (status !== check.status) {
      this.putCheck(updated)
      return
    }
    this.checks.set(check.id, updated)
    this.#armTtl(updated)
    if (output !== check.output) this.#syncLater(check.id)
  }

  removeCheck(id: string): void {
    const {state} = this.home
    this.#dropCheck(id)
    const row = state.catalog.check(this.node, id)
    if (row) state.write(batch => state.removeCheck(batch, row))
  }

  onServices(waiter: () => void): () => void {
    this.#serviceWaiters.add(waiter)
    return () => this.#serviceWaiters.delete(waiter)
  }

  /**
   * Discards what a real agent loses when it restarts: always its events, and its registrations if `keepRegistrations`
   * is false.
   */
  forget(keepRegistrations: boolean): void {
    this.events.clear()
    this.cache.clear()
    if (keepRegistrations) return
    this[Symbol.dispose]()
    this.services.clear()
    this.checks.clear()
  }

  [Symbol.dispose](): void {
    this.#prober[Symbol.dispose]()
    for (const timers of this.#timers) {
      for (const timer of timers.values()) timer[Symbol.dispose]()
      timers.clear()
    }
  }

  /** Stores a check. As in Consul, a check with a TTL keeps the TTL if it is registered again with another type. */
  #keep(check: LocalCheck): LocalCheck {
    const kept = {...check, ttlMs: check.ttlMs || (this.checks.get(check.id)?.ttlMs ?? 0)}
    this.checks.set(check.id, kept)
    return kept
  }

  #arm(check: LocalCheck): void {
    this.#armTtl(check)
    this.#watchCritical(check)
    if (check.probe) this.#prober.start(check.id, check.probe)
    else this.#prober.stop(check.id)
  }

  #report(id: string, {status, output}: ProbeResult): void {
    const check = this.checks.get(id)
    if (check) this.updateCheck(check, status, output)
  }

  #dropCheck(id: string): void {
    this.#prober.stop(id)
    for (const timers of this.#timers) stopTimer(timers, id)
    this.checks.delete(id)
  }

  #syncLater(id: string): void {
    if (this.#outputTimers.has(id)) return
    const sync = (): void => {
      this.#outputTimers.delete(id)
      const check = this.checks.get(id)
      if (check) this.#sync(check)
    }
    this.#outputTimers.set(id, this.home.clock.timer(outputDelayMs, sync, {ref: false}))
  }

  #watchCritical(check: LocalCheck): void {
    if (check.status !== 'critical' || check.deregisterAfterMs === 0 || check.serviceId === '') {
      stopTimer(this.#criticalTimers, check.id)
      return
    }
    if (this.#criticalTimers.has(check.id)) return
    const ms = Math.max(leastDeregisterMs, check.deregisterAfterMs)
    const reap = (): void => this.removeService(check.serviceId)
    this.#criticalTimers.set(check.id, this.home.clock.timer(ms, reap, {ref: false}))
  }

  #sync(check: LocalCheck): void {
    stopTimer(this.#outputTimers, check.id)
    const {state} = this.home
    state.write(batch => state.putCheck(batch, rowOf(check)))
  }

  #armTtl(check: LocalCheck): void {
    this.#ttlTimers.get(check.id)?.[Symbol.dispose]()
    if (check.ttlMs === 0) return
    const expire = (): void => {
      const late = {...check, status: 'critical', output: 'TTL expired'}
      this.checks.set(check.id, late)
      this.#sync(late)
      this.#watchCritical(late)
    }
    this.#ttlTimers.set(check.id, this.home.clock.timer(check.ttlMs, expire, {ref: false}))
  }

  #servicesMoved(): void {
    for (const waiter of [...this.#serviceWaiters]) waiter()
  }
}
