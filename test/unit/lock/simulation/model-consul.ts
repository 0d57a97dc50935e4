import type {Clock, KvOperation, SessionId, Timer} from '../../../../src/core/types.js'
import type {Seeded} from '../../core/support/seeded.js'

export interface ModelKey {
  readonly key: string
  readonly value: Buffer
  readonly flags: bigint
  readonly session: SessionId | undefined
  readonly createIndex: number
  readonly modifyIndex: number
  readonly lockIndex: number
}

interface ModelSession {
  readonly id: SessionId
  readonly ttlMs: number
  readonly lockDelayMs: number
  readonly behavior: string
  readonly name: string
  timer: Timer
}

export type Refused = readonly {readonly opIndex: number; readonly what: string}[]

const keptStates = 40
const longestPastMs = 3000

/**
 * A model of the parts of Consul that locks use: sessions, keys, transactions, lock-delays and blocking reads. The
 * model behaves as badly as Consul is allowed to: a session ends at any time between one and two TTLs after its last
 * renewal, and a new leader shows an old state to reads that are not consistent.
 */
export class ModelConsul {
  index = 10
  readonly sessions = new Map<SessionId, ModelSession>()
  /** Number of changes of keys. */
  writes = 0
  #keys: ReadonlyMap<string, ModelKey> = new Map()
  #past: {readonly at: number; readonly keys: ReadonlyMap<string, ModelKey>}[] = []
  #pastUntilMs = 0
  #shown: ReadonlyMap<string, ModelKey> = new Map()
  readonly #delays = new Map<string, number>()
  readonly #parked = new Set<() => void>()
  readonly #clock: Clock
  readonly #random: Seeded

  constructor(clock: Clock, random: Seeded) {
    this.#clock = clock
    this.#random = random
  }

  createSession(request: Omit<ModelSession, 'id' | 'timer'>): SessionId {
    this.index += 1
    const digits = this.index.toString(16).padStart(12, '0')
    const id = `00000000-0000-4000-8000-${digits}` as SessionId
    this.sessions.set(id, {...request, id, timer: this.#expiry(id, request.ttlMs)})
    return id
  }

  renewSession(id: SessionId): boolean {
    const session = this.sessions.get(id)
    if (!session) return false
    session.timer[Symbol.dispose]()
    session.timer = this.#expiry(id, session.ttlMs)
    return true
  }

  endSession(id: SessionId): void {
    const session = this.sessions.get(id)
    if (!session) return
    session.timer[Symbol.dispose]()
    this.sessions.delete(id)
    const keys = new Map(this.#keys)
    this.index += 1
    for (const entry of this.#keys.values()) {
      if (entry.session !== id) continue
      if (session.lockDelayMs > 0) this.#delays.set(entry.key, this.#clock.monotonicMs() + session.lockDelayMs)
      if (session.behavior === 'delete') keys.delete(entry.key)
      else keys.set(entry.key, {...entry, session: undefined, modifyIndex: this.index})
    }
    this.#store(keys)
  }

  /**
   * Returns the keys as a read shows them. After the loss of a leader, reads that are not consistent show old state for
   * a while.
   */
  look(isConsistent: boolean): ReadonlyMap<string, ModelKey> {
    const isPast = !isConsistent && this.#clock.monotonicMs() < this.#pastUntilMs
    return isPast ? this.#shown : this.#keys
  }

  /** Elects a new leader, which shows old state until it has applied its log. The TTL of every session starts again. */
  loseLeader(): void {
    this.#pastUntilMs = this.#clock.monotonicMs() + this.#random() * longestPastMs
    this.#shown = this.#random.pick(this.#past).keys
    for (const id of this.sessions.keys()) this.renewSession(id)
    this.#wake()
  }

  /** Calls back when the key's index differs from this one, or at the end of the wait time. */
  park(key: string, index: number, waitMs: number, answer: () => void): void {
    const isOver = (): boolean => this.look(false).get(key)?.modifyIndex !== index
    if (isOver()) {
      answer()
      return
    }
    const end = (): void => {
      this.#parked.delete(check)
      timer[Symbol.dispose]()
      answer()
    }
    const check = (): void => {
      if (isOver()) end()
    }
    const timer = this.#clock.timer(waitMs, end)
    this.#parked.add(check)
  }

  /** Applies all operations, or returns why some were refused. */
  commit(operations: readonly KvOperation[]): {readonly refused: Refused; readonly written: readonly ModelKey[]} {
    const delayed = operations.findIndex(
      one => one.verb === 'lock' && (this.#delays.get(one.key) ?? 0) > this.#clock.monotonicMs(),
    )
    if (delayed >= 0) {
      const what = `failed to lock key "${operations[delayed]?.key}" due to lock delay`
      return {refused: [{opIndex: delayed, what}], written: []}
    }
    const keys = new Map(this.#keys)
    const index = this.index + 1
    const refused: {opIndex: number; what: string}[] = []
    const written: ModelKey[] = []
    for (const [opIndex, operation] of operations.entries()) {
      const what = this.#apply(keys, operation, {index, written})
      if (what !== undefined) refused.push({opIndex, what})
    }
    this.index = index
    if (refused.length === 0) this.#store(keys)
    return {refused, written}
  }

  #apply(
    keys: Map<string, ModelKey>,
    operation: KvOperation,
    {index, written}: {readonly index: number; readonly written: ModelKey[]},
  ): string | undefined {
    const {key} = operation
    const known = keys.get(key)
    switch (operation.verb) {
      case 'check-index':
        if (!known) return `failed index check for key "${key}", key doesn't exist`
        return known.modifyIndex === Number(operation.index) ? undefined : 'failed index check: current modify index'
      case 'check-not-exists':
        return known && `key "${key}" exists`
      case 'check-session':
        return known?.session === operation.session ? undefined : `failed session check for key "${key}"`
      case 'delete':
        keys.delete(key)
        return undefined
      case 'lock': {
        if (!this.sessions.has(operation.session)) return `invalid session "${operation.session}"`
        const isOurs = known?.session === operation.session
        if (known?.session !== undefined && !isOurs) return `failed to lock key "${key}", lock is already held`
        const value = Buffer.from(operation.value)
        const flags = operation.flags ?? 0n
        if (known && isOurs && known.value.equals(value) && known.flags === flags) return undefined
        const entry = {
          key,
          value,
          flags,
          session: operation.session,
          createIndex: known?.createIndex ?? index,
          modifyIndex: index,
          lockIndex: (known?.lockIndex ?? 0) + (isOurs ? 0 : 1),
        }
        keys.set(key, entry)
        written.push(entry)
        return undefined
      }
      case 'unlock': {
        if (!known || known.session !== operation.session) return `failed to unlock key "${key}", lock isn't held`
        const entry = {...known, value: Buffer.from(operation.value), session: undefined, modifyIndex: index}
        keys.set(key, entry)
        written.push(entry)
        return undefined
      }
      case 'get-tree':
        written.push(...[...keys.values()].filter(one => one.key.startsWith(key)))
        return undefined
      default:
        throw new Error(`the model does not know ${operation.verb}`)
    }
  }

  #store(keys: ReadonlyMap<string, ModelKey>): void {
    this.#keys = keys
    this.writes += 1
    this.#past.push({at: this.#clock.monotonicMs(), keys})
    if (this.#past.length > keptStates) this.#past.shift()
    this.#wake()
  }

  #wake(): void {
    for (const check of [...this.#parked]) check()
  }

  #expiry(id: SessionId, ttlMs: number): Timer {
    return this.#clock.timer(ttlMs * (1 + this.#random()), () => this.endSession(id))
  }
}
