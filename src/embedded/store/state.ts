import {serfHealth} from '../../core/consul-constants.js'
import {Batch} from './batch.js'
import {type CatalogImage, CatalogTable} from './catalog.js'
import {type CheckRow, isCheckOf, type NodeRow, type ServiceRow} from './catalog-rows.js'
import {type KvRow, KvTable} from './kv.js'
import {type SessionRow, SessionTable} from './sessions.js'
import {Watches} from './watches.js'

export interface StateOptions {
  readonly nowMs: () => number
  /** Called when the batch that created or ended a session is committed. */
  readonly onSession: (row: SessionRow, what: 'begun' | 'ended', heldKeys: readonly string[]) => void
}

/** A copy of a whole State. */
export interface StateImage {
  readonly index: bigint
  readonly kv: {readonly rows: readonly KvRow[]; readonly tableIndex: bigint}
  readonly sessions: {readonly rows: readonly SessionRow[]; readonly tableIndex: bigint}
  readonly catalog: CatalogImage
}

/** The replicated state of one datacenter: the tables, one index counter, and the queries that wait for changes. */
export class State {
  readonly kv: KvTable
  readonly sessions = new SessionTable()
  readonly catalog = new CatalogTable()
  readonly watches = new Watches()
  readonly #options: StateOptions
  #index = 5n

  constructor(options: StateOptions) {
    this.#options = options
    this.kv = new KvTable(options.nowMs)
  }

  /** Index of the last command. */
  get index(): bigint {
    return this.#index
  }

  /**
   * Runs one command. It uses up an index even if it changes nothing or throws. If it throws, its changes are undone.
   */
  write<T>(command: (batch: Batch) => T): T {
    this.#index += 1n
    const batch = new Batch(this.#index)
    let result: T
    try {
      result = command(batch)
    } catch (error) {
      batch.rollBack()
      throw error
    }
    batch.finish()
    this.watches.wake(batch)
    return result
  }

  /** Runs a command that only reads, and that uses up no index. */
  peek<T>(command: (batch: Batch) => T): T {
    return command(new Batch(this.#index))
  }

  beginSession(batch: Batch, draft: Omit<SessionRow, 'createIndex' | 'modifyIndex'>): SessionRow {
    const row = {...draft, createIndex: batch.index, modifyIndex: batch.index}
    this.sessions.insert(batch, row)
    batch.after(() => this.#options.onSession(row, 'begun', []))
    return row
  }

  endSession(batch: Batch, row: SessionRow): void {
    if (!this.sessions.get(row.id)) return
    this.sessions.remove(batch, row)
    const held = this.kv.dropHolder(batch, row.id, row.behavior)
    batch.after(() => this.#options.onSession(row, 'ended', held))
  }

  putCheck(batch: Batch, draft: Omit<CheckRow, 'createIndex' | 'modifyIndex'>): CheckRow {
    const row = this.catalog.putCheck(batch, draft)
    if (row.status === 'critical') this.#endSessionsOf(batch, row)
    return row
  }

  removeCheck(batch: Batch, row: CheckRow): void {
    this.catalog.removeCheck(batch, row)
    this.#endSessionsOf(batch, row)
  }

  removeService(batch: Batch, row: ServiceRow): void {
    for (const check of this.catalog.checksOf(row.node)) {
      if (isCheckOf(check, row)) this.removeCheck(batch, check)
    }
    this.catalog.removeService(batch, row)
  }

  /**
   * Writes a node. If the node's ID belongs to a node with another name, that node is renamed, and loses its services,
   * checks and sessions.
   */
  putNode(batch: Batch, draft: Omit<NodeRow, 'createIndex' | 'modifyIndex'>): NodeRow {
    const owner = draft.id === '' ? undefined : this.catalog.nodeById(draft.id)
    if (!owner || owner.name === draft.name) return this.catalog.putNode(batch, draft)
    this.removeNode(batch, owner)
    return this.catalog.putNode(batch, draft, owner.createIndex)
  }

  /**
   * Returns the message with which Consul refuses a name that belongs to another, healthy node; undefined if the node
   * may be written. A node with a new ID may take the name of a node without an ID, but a renamed node may not.
   */
  takenNameError({id, name, address}: Pick<NodeRow, 'id' | 'name' | 'address'>): string | undefined {
    const owner = id === '' ? undefined : this.catalog.nodeById(id)
    const taken = this.catalog.node(name)
    if (id === '' || owner?.name === name || !taken || taken.id === id || (taken.id === '' && !owner)) return undefined
    const health = this.catalog.check(taken.name, serfHealth)
    if (!health || health.status === 'critical') return undefined
    const renamed = `${JSON.stringify(id)}${owner ? ` (${address})` : ''}`
    const other = `node ${taken.id} with name ${taken.name} (${taken.address})`
    return `Error while renaming Node ID: ${renamed}: Node name ${name} is reserved by ${other}`
  }

  removeNode(batch: Batch, row: NodeRow): void {
    for (const service of this.catalog.servicesOf(row.name)) this.removeService(batch, service)
    for (const check of this.catalog.checksOf(row.name)) this.removeCheck(batch, check)
    this.catalog.removeNode(batch, row)
    for (const session of this.sessions.ofNode(row.name)) this.endSession(batch, session)
  }

  /** Returns a copy of the state. Rows are immutable, so later writes do not change it. */
  save = (): StateImage => ({
    index: this.#index,
    kv: {rows: this.kv.list('').rows, tableIndex: this.kv.tableIndex},
    sessions: {rows: this.sessions.list(), tableIndex: this.sessions.tableIndex},
    catalog: this.catalog.save(),
  })

  /** Restores a copy with its indexes, and wakes every waiting query. */
  restore(image: StateImage): void {
    this.#index = image.index
    this.kv.replace(image.kv.rows, image.kv.tableIndex)
    this.sessions.replace(image.sessions.rows, image.sessions.tableIndex)
    this.catalog.replace(image.catalog)
    this.watches.wakeAll()
  }

  #endSessionsOf(batch: Batch, check: CheckRow): void {
    for (const session of this.sessions.boundTo(check.node, check.id)) this.endSession(batch, session)
  }
}
