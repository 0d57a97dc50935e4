import type {Timer} from '../../core/types.js'
import type {CheckRow, ServiceRow} from '../store/catalog-rows.js'
import {EventBuffer} from './event-buffer.js'
import type {AgentHome} from './home.js'

export type LocalService = Omit<ServiceRow, 'createIndex' | 'modifyIndex'>
export interface LocalCheck extends Omit<CheckRow, 'createIndex' | 'modifyIndex'> {
  /** 0 unless it is a TTL check. */
  readonly ttlMs: number
}

export interface LocalAgentOptions {
  readonly home: AgentHome
  readonly node: string
  readonly nodeId: string
  readonly address: string
  /** Servers register the service `consul`. */
  readonly server: boolean
  readonly ports: {readonly rpc: number; readonly serfLan: number; readonly serfWan: number}
}

/** One agent: what is registered on its node, and the events it saw. Every change reaches the catalog before it returns. */
export class LocalAgent implements Disposable {
  readonly home: AgentHome
  readonly node: string
  readonly nodeId: string
  readonly address: string
  readonly server: boolean
  readonly ports: LocalAgentOptions['ports']
  readonly services = new Map<string, LocalService>()
  readonly checks = new Map<string, LocalCheck>()
  readonly events = new EventBuffer()
  readonly #ttlTimers = new Map<string, Timer>()
  readonly #serviceWaiters = new Set<() => void>()

  constructor(options: LocalAgentOptions) {
    this.home = options.home
    this.node = options.node
    this.nodeId = options.nodeId
    this.address = options.address
    this.server = options.server
    this.ports = options.ports
  }

  /** A service and its checks reach the catalog with one command. */
  putService(service: LocalService, checks: readonly LocalCheck[] = []): void {
    const {state} = this.home
    this.services.set(service.id, service)
    for (const check of checks) this.checks.set(check.id, check)
    state.write(batch => {
      state.catalog.putService(batch, service)
      for (const {ttlMs: _, ...row} of checks) state.putCheck(batch, row)
    })
    for (const check of checks) this.#armTtl(check)
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
    this.checks.set(check.id, check)
    this.#sync(check)
    this.#armTtl(check)
  }

  /** Sets a check's status; a TTL check then has its whole time again. */
  updateCheck(check: LocalCheck, status: string, output: string): void {
    this.putCheck({...check, status, output})
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

  /** What a restart forgets: events always, registrations unless they are kept. */
  forget(keepRegistrations: boolean): void {
    this.events.clear()
    if (keepRegistrations) return
    this[Symbol.dispose]()
    this.services.clear()
    this.checks.clear()
  }

  [Symbol.dispose](): void {
    for (const timer of this.#ttlTimers.values()) timer[Symbol.dispose]()
    this.#ttlTimers.clear()
  }

  #dropCheck(id: string): void {
    this.#ttlTimers.get(id)?.[Symbol.dispose]()
    this.#ttlTimers.delete(id)
    this.checks.delete(id)
  }

  #sync(check: LocalCheck): void {
    const {ttlMs: _, ...row} = check
    const {state} = this.home
    state.write(batch => state.putCheck(batch, row))
  }

  #armTtl(check: LocalCheck): void {
    this.#ttlTimers.get(check.id)?.[Symbol.dispose]()
    if (check.ttlMs === 0) return
    const expire = (): void => {
      const late = {...check, status: 'critical', output: 'TTL expired'}
      this.checks.set(check.id, late)
      this.#sync(late)
    }
    this.#ttlTimers.set(check.id, this.home.clock.timer(check.ttlMs, expire, {ref: false}))
  }

  #servicesMoved(): void {
    for (const waiter of [...this.#serviceWaiters]) waiter()
  }
}
