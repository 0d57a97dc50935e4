import type {Batch} from './batch.js'

export interface SessionRow {
  readonly id: string
  readonly name: string
  readonly node: string
  /** Nanoseconds, as given. */
  readonly lockDelayNs: number
  readonly behavior: 'release' | 'delete'
  /** As it was written. */
  readonly ttl: string
  readonly ttlMs: number
  readonly nodeChecks: readonly string[] | undefined
  readonly serviceChecks: readonly string[] | undefined
  readonly checks: readonly string[]
  readonly createIndex: bigint
  readonly modifyIndex: bigint
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** What Consul's table index says of a malformed session ID; undefined when it is well formed. */
export function sessionIdError(id: string): string | undefined {
  if (Buffer.byteLength(id) !== 36) return 'failed session lookup: index error: UUID must be 36 characters'
  if (uuid.test(id)) return undefined
  const wrong = /[^0-9a-f-]/i.exec(id)?.[0] ?? '-'
  return `failed session lookup: index error: Invalid UUID: encoding/hex: invalid byte: ${goRune(wrong)}`
}

const goRune = (char: string): string =>
  `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')} '${char}'`

export class SessionTable {
  readonly #rows = new Map<string, SessionRow>()
  #tableIndex = 0n

  get tableIndex(): bigint {
    return this.#tableIndex
  }

  get = (id: string): SessionRow | undefined => this.#rows.get(id.toLowerCase())

  /** Sorted by ID. */
  list = (): SessionRow[] => [...this.#rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1))

  ofNode(node: string): SessionRow[] {
    const name = node.toLowerCase()
    return this.list().filter(row => row.node.toLowerCase() === name)
  }

  /** Sessions of a node that end with one of its checks. */
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
