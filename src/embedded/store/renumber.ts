import type {StateImage} from './state.js'

interface Indexed {
  readonly createIndex: bigint
  readonly modifyIndex: bigint
}

const lowest = 2n

/**
 * Returns the same data with the lowest indexes that preserve the order, as in a cluster that was rebuilt from a copy.
 */
export function renumber(image: StateImage): StateImage {
  const {kv, sessions, catalog} = image
  const rows: readonly Indexed[] = [
    ...kv.rows,
    ...sessions.rows,
    ...catalog.nodes,
    ...catalog.services,
    ...catalog.checks,
  ]
  const used = new Set<bigint>([
    ...rows.flatMap(row => [row.createIndex, row.modifyIndex]),
    kv.tableIndex,
    sessions.tableIndex,
    ...Object.values(catalog.tableIndexes),
    ...catalog.serviceIndexes.values(),
    catalog.extinction,
  ])
  used.delete(0n)
  const ordered = [...used].sort((a, b) => (a < b ? -1 : 1))
  const ranks = new Map(ordered.map((index, at) => [index, BigInt(at) + lowest]))
  const to = (index: bigint): bigint => ranks.get(index) ?? 0n
  const each = <T extends Indexed>(list: readonly T[]): T[] =>
    list.map(row => ({...row, createIndex: to(row.createIndex), modifyIndex: to(row.modifyIndex)}))
  const {nodes, services, checks} = catalog.tableIndexes
  return {
    index: BigInt(ordered.length) + lowest,
    kv: {rows: each(kv.rows), tableIndex: to(kv.tableIndex)},
    sessions: {rows: each(sessions.rows), tableIndex: to(sessions.tableIndex)},
    catalog: {
      nodes: each(catalog.nodes),
      services: each(catalog.services),
      checks: each(catalog.checks),
      tableIndexes: {nodes: to(nodes), services: to(services), checks: to(checks)},
      serviceIndexes: new Map([...catalog.serviceIndexes].map(([name, index]) => [name, to(index)])),
      extinction: to(catalog.extinction),
    },
  }
}
