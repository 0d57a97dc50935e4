import type {Batch} from './batch.js'
import {type CheckRow, type NodeRow, type ServiceRow, sameRow} from './catalog-rows.js'

type Draft<T> = Omit<T, 'createIndex' | 'modifyIndex'>
type Table = 'nodes' | 'services' | 'checks'

interface NodeShelf {
  node: NodeRow
  readonly services: Map<string, ServiceRow>
  readonly checks: Map<string, CheckRow>
}

export interface CatalogImage {
  readonly nodes: readonly NodeRow[]
  readonly services: readonly ServiceRow[]
  readonly checks: readonly CheckRow[]
  readonly tableIndexes: Readonly<Record<Table, bigint>>
  readonly serviceIndexes: ReadonlyMap<string, bigint>
  readonly extinction: bigint
}

const byKey = <T>(map: ReadonlyMap<string, T>): T[] =>
  [...map.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)

const noServices: ReadonlyMap<string, ServiceRow> = new Map()
const noChecks: ReadonlyMap<string, CheckRow> = new Map()

/**
 * Nodes, services and checks, with the indexes that reads of them report. Names are compared without regard to case.
 */
export class CatalogTable {
  readonly #shelves = new Map<string, NodeShelf>()
  readonly #tableIndexes: Record<Table, bigint> = {nodes: 0n, services: 0n, checks: 0n}
  readonly #serviceIndexes = new Map<string, bigint>()
  /** Keys in the table of nodes, by the ID of the node. */
  readonly #keysById = new Map<string, string>()
  /** Index of the last write with which a service lost its last instance. */
  #extinction = 0n

  tableIndex = (table: Table): bigint => this.#tableIndexes[table]

  node = (name: string): NodeRow | undefined => this.#shelves.get(name.toLowerCase())?.node

  nodeById = (id: string): NodeRow | undefined => this.#shelves.get(this.#keysById.get(id.toLowerCase()) ?? '')?.node

  nodes = (): NodeRow[] => byKey(this.#shelves).map(shelf => shelf.node)

  service = (node: string, id: string): ServiceRow | undefined =>
    this.#shelves.get(node.toLowerCase())?.services.get(id.toLowerCase())

  servicesOf = (node: string): ServiceRow[] => byKey(this.#shelves.get(node.toLowerCase())?.services ?? noServices)

  allServices = (): ServiceRow[] => byKey(this.#shelves).flatMap(shelf => byKey(shelf.services))

  instancesOf(service: string): ServiceRow[] {
    const name = service.toLowerCase()
    return this.allServices().filter(row => row.name.toLowerCase() === name)
  }

  check = (node: string, id: string): CheckRow | undefined =>
    this.#shelves.get(node.toLowerCase())?.checks.get(id.toLowerCase())

  checksOf = (node: string): CheckRow[] => byKey(this.#shelves.get(node.toLowerCase())?.checks ?? noChecks)

  allChecks = (): CheckRow[] => byKey(this.#shelves).flatMap(shelf => byKey(shelf.checks))

  /** Returns the index that reads of one service report, even if the service does not exist. */
  serviceIndex(service: string, withChecks: boolean): bigint {
    const own = this.#serviceIndexes.get(service.toLowerCase())
    if (own !== undefined) return own
    return this.#extinction > 0n ? this.#extinction : this.#lastOf(withChecks)
  }

  /** Returns the index of a service, or the index of the newest change in the catalog if the service does not exist. */
  presumedServiceIndex = (service: string): bigint =>
    this.#serviceIndexes.get(service.toLowerCase()) ?? this.#lastOf(true)

  #lastOf(withChecks: boolean): bigint {
    const {nodes, services, checks} = this.#tableIndexes
    const last = nodes > services ? nodes : services
    return withChecks && checks > last ? checks : last
  }

  /**
   * Writes a node. If it replaces a node with another name, `createIndex` is the index at which that node was created.
   */
  putNode(batch: Batch, draft: Draft<NodeRow>, createIndex?: bigint): NodeRow {
    const key = draft.name.toLowerCase()
    const shelf = this.#shelves.get(key)
    const known = shelf?.node
    const row: NodeRow = {
      ...draft,
      createIndex: createIndex ?? known?.createIndex ?? batch.index,
      modifyIndex: batch.index,
    }
    if (known && sameRow(known, row)) return known
    if (known && known.id !== '' && known.id !== row.id) this.#dropFrom(batch, this.#keysById, known.id)
    if (row.id !== '') this.#setIn(batch, this.#keysById, row.id, key)
    if (shelf && known) {
      shelf.node = row
      batch.undo(() => (shelf.node = known))
    } else {
      this.#shelves.set(key, {node: row, services: new Map(), checks: new Map()})
      batch.undo(() => this.#shelves.delete(key))
    }
    this.#nodeMoved(batch, row, known)
    for (const service of this.servicesOf(key)) this.#serviceMoved(batch, service.name)
    return row
  }

  /** Writes a service. The service's node must exist. */
  putService(batch: Batch, draft: Draft<ServiceRow>): ServiceRow {
    const shelf = this.#shelves.get(draft.node.toLowerCase()) as NodeShelf
    const key = draft.id.toLowerCase()
    const known = shelf.services.get(key)
    const row: ServiceRow = {...draft, createIndex: known?.createIndex ?? batch.index, modifyIndex: batch.index}
    if (known && sameRow(known, row)) return known
    this.#setIn(batch, shelf.services, key, row)
    this.#moved(batch, 'services')
    this.#serviceMoved(batch, row.name)
    if (known && known.name.toLowerCase() !== row.name.toLowerCase()) this.#dropIndexOfNone(batch, known.name)
    batch.touch(`node:${draft.node.toLowerCase()}`)
    return row
  }

  /** Writes a check. The check's node must exist, and so must the service that the check names, if any. */
  putCheck(batch: Batch, draft: Draft<CheckRow>): CheckRow {
    const shelf = this.#shelves.get(draft.node.toLowerCase()) as NodeShelf
    const key = draft.id.toLowerCase()
    const known = shelf.checks.get(key)
    const row: CheckRow = {...draft, createIndex: known?.createIndex ?? batch.index, modifyIndex: batch.index}
    const isSame = known !== undefined && sameRow({...known, type: row.type}, row)
    this.#moved(batch, 'checks')
    batch.touch(`checks-node:${row.node.toLowerCase()}`)
    if (row.serviceName !== '') batch.touch(`checks-service:${row.serviceName.toLowerCase()}`)
    if (isSame) {
      // As in Consul, the new type of a check is stored, but a new type alone does not count as a change.
      const retyped = {...known, type: row.type}
      if (retyped.type !== known.type) this.#setIn(batch, shelf.checks, key, retyped)
      return retyped
    }
    this.#setIn(batch, shelf.checks, key, row)
    this.#checkMoved(batch, row)
    batch.touch(`state:${row.status}`)
    if (known && known.status !== row.status) batch.touch(`state:${known.status}`)
    return row
  }

  removeCheck(batch: Batch, row: CheckRow): void {
    const shelf = this.#shelves.get(row.node.toLowerCase())
    if (!shelf) return
    this.#dropFrom(batch, shelf.checks, row.id.toLowerCase())
    this.#moved(batch, 'checks')
    batch.touch(`checks-node:${row.node.toLowerCase()}`)
    if (row.serviceName !== '') batch.touch(`checks-service:${row.serviceName.toLowerCase()}`)
    batch.touch(`state:${row.status}`)
    this.#checkMoved(batch, row)
    // As in Consul, a node's own check raises the index of services without waking their watchers.
    if (row.serviceId === '') this.#bump(batch, 'services')
  }

  /** Removes a service. Its checks must have been removed before. */
  removeService(batch: Batch, row: ServiceRow): void {
    const shelf = this.#shelves.get(row.node.toLowerCase())
    if (!shelf) return
    this.#dropFrom(batch, shelf.services, row.id.toLowerCase())
    this.#moved(batch, 'services')
    // As in Consul, the index of checks rises even if the service had no checks, but watchers are not woken.
    this.#bump(batch, 'checks')
    batch.touch(`node:${row.node.toLowerCase()}`)
    this.#serviceMoved(batch, row.name)
    this.#serviceLeft(batch, row.name)
  }

  /** Removes a node. Its services and checks must have been removed before. */
  removeNode(batch: Batch, row: NodeRow): void {
    const key = row.name.toLowerCase()
    this.#dropFrom(batch, this.#shelves, key)
    if (row.id !== '') this.#dropFrom(batch, this.#keysById, row.id)
    this.#nodeMoved(batch, row)
  }

  save = (): CatalogImage => ({
    nodes: this.nodes(),
    services: this.allServices(),
    checks: this.allChecks(),
    tableIndexes: {...this.#tableIndexes},
    serviceIndexes: new Map(this.#serviceIndexes),
    extinction: this.#extinction,
  })

  replace(image: CatalogImage): void {
    this.#shelves.clear()
    this.#keysById.clear()
    this.#serviceIndexes.clear()
    for (const node of image.nodes) {
      this.#shelves.set(node.name.toLowerCase(), {node, services: new Map(), checks: new Map()})
      if (node.id !== '') this.#keysById.set(node.id, node.name.toLowerCase())
    }
    for (const row of image.services) this.#shelves.get(row.node.toLowerCase())?.services.set(row.id.toLowerCase(), row)
    for (const row of image.checks) this.#shelves.get(row.node.toLowerCase())?.checks.set(row.id.toLowerCase(), row)
    for (const [name, index] of image.serviceIndexes) this.#serviceIndexes.set(name, index)
    Object.assign(this.#tableIndexes, image.tableIndexes)
    this.#extinction = image.extinction
  }

  #setIn<T>(batch: Batch, map: Map<string, T>, key: string, value: T): void {
    const before = map.get(key)
    map.set(key, value)
    batch.undo(() => (before === undefined ? map.delete(key) : map.set(key, before)))
  }

  #dropFrom<T>(batch: Batch, map: Map<string, T>, key: string): void {
    const before = map.get(key)
    if (before === undefined) return
    map.delete(key)
    batch.undo(() => map.set(key, before))
  }

  /**
   * A query for a metadata field is woken only by a change of a node that has the field, or had it before the change.
   */
  #nodeMoved(batch: Batch, ...rows: readonly (NodeRow | undefined)[]): void {
    this.#moved(batch, 'nodes')
    for (const row of rows) {
      if (row) batch.touch(`node:${row.name.toLowerCase()}`)
      for (const [field, value] of row?.meta ?? []) batch.touch(`node-meta:${field}:${value}`)
    }
  }

  #moved(batch: Batch, table: Table): void {
    this.#bump(batch, table)
    batch.touch(table)
  }

  #bump(batch: Batch, table: Table): void {
    const before = this.#tableIndexes[table]
    this.#tableIndexes[table] = batch.index
    batch.undo(() => (this.#tableIndexes[table] = before))
  }

  #serviceMoved(batch: Batch, name: string): void {
    this.#setIn(batch, this.#serviceIndexes, name.toLowerCase(), batch.index)
    batch.touch(`service:${name.toLowerCase()}`)
  }

  /**
   * Removes the index of a service if the service has no instances, and returns true if it did. As in Consul, this is
   * all that happens to the old name when the last instance of a service is renamed.
   */
  #dropIndexOfNone(batch: Batch, name: string): boolean {
    if (this.instancesOf(name).length > 0) return false
    this.#dropFrom(batch, this.#serviceIndexes, name.toLowerCase())
    return true
  }

  #serviceLeft(batch: Batch, name: string): void {
    if (!this.#dropIndexOfNone(batch, name)) return
    const before = this.#extinction
    this.#extinction = batch.index
    batch.undo(() => (this.#extinction = before))
  }

  /** Raises the indexes that a check affects. A check of a node affects all services of the node. */
  #checkMoved(batch: Batch, row: CheckRow): void {
    const services = row.serviceId === '' ? this.servicesOf(row.node).map(service => service.name) : [row.serviceName]
    for (const name of services) {
      this.#setIn(batch, this.#serviceIndexes, name.toLowerCase(), batch.index)
      batch.touch(`health:${name.toLowerCase()}`)
    }
  }
}
