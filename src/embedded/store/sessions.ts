import {uuidError} from '../uuid.js'
import type {Batch} from './batch.js'

export interface SessionRow {
  readonly id: string
  readonly name: string
  readonly node: string
  /** Lock-delay in nanoseconds, as requested. */
  readonly lockDelayNs: number
  readonly behavior: 'release' | 'delete'
  /** The TTL as the text that the client sent. */
  readonly ttl: string
  readonly ttlMs: number
  readonly nodeChecks: readonly string[] | undefined
  readonly serviceChecks: readonly string[] | undefined
  readonly checks: readonly string[]
  readonly createIndex: bigint
  readonly modifyIndex: bigint
}

/**
 * Returns the message with which Consul refuses a malformed session ID; undefined if the ID is well
 * formed.
 */
export function sessionIdError(id: string): string | undefined {
  const wrong = uuidError(id)
  return wrong && `failed session lookup: ${wrong}`
}

export class SessionTable {
  readonly #rows = new Map<string, SessionRow>()
  #tableIndex = 0n

  get tableIndex(): bigint {
    return this.#tableIndex
  }

  get = (id: string): SessionRow | undefined => this.#rows.get(id.toLowerCase())

  /** Returns all sessions, sorted by ID. */
  list = (): SessionRow[] => [...this.#rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1))

  ofNode(node: string): SessionRow[] {
    const name = node.toLowerCase()
    return this.list().filter(row => row.node.toLowerCase() === name)
  }

  /** Returns the sessions of a node that one of its checks can invalidate. */
  boundTo(node: string, checkId: string): SessionRow[] {
    return this.ofNode(node).filter(
      row =>
        row.nodeChecks?.includes(checkId) === true ||
        row.checks.includes(checkId) ||
        row.serviceChecks?.includes(checkId) === true,
    )
  }

  insert(batch: Batch, row: SessionRow): void {
    this.#rows.set(row.id, row)
    batch.undo(() => this.#rows.delete(row.id))
    this.#changed(batch, row)
  }

  remove(batch: Batch, row: SessionRow): void {
    this.#rows.delete(row.id)
    batch.undo(() => this.#rows.set(row.id, row))
    this.#changed(batch, row)
  }

  replace(rows: Iterable<SessionRow>, tableIndex: bigint): void {
    this.#rows.clear()
    for (const row of rows) this.#rows.set(row.id, row)
    this.#tableIndex = tableIndex
  }

  #changed(batch: Batch, row: SessionRow): void {
    const before = this.#tableIndex
    this.#tableIndex = batch.index
    batch.undo(() => (this.#tableIndex = before))
    batch.touch('sessions')
    batch.touch(`session:${row.id}`)
    batch.touch(`session-node:${row.node.toLowerCase()}`)
  }
}
