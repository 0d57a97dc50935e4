import type {Printable} from '../go/json-print.js'

export type StringMap = ReadonlyMap<string, string>

export interface NodeRow {
  readonly id: string
  readonly name: string
  readonly address: string
  readonly datacenter: string
  readonly taggedAddresses: StringMap | undefined
  readonly meta: StringMap | undefined
  readonly createIndex: bigint
  readonly modifyIndex: bigint
}

export interface ServiceRow {
  readonly node: string
  readonly id: string
  readonly name: string
  readonly kind: string
  readonly tags: readonly string[] | undefined
  readonly address: string
  readonly taggedAddresses: ReadonlyMap<string, {readonly address: string; readonly port: number}> | undefined
  readonly meta: StringMap | undefined
  readonly port: number
  readonly weights: {readonly passing: number; readonly warning: number}
  readonly enableTagOverride: boolean
  readonly createIndex: bigint
  readonly modifyIndex: bigint
}

export interface CheckRow {
  readonly node: string
  readonly id: string
  readonly name: string
  readonly status: string
  readonly notes: string
  readonly output: string
  readonly serviceId: string
  readonly serviceName: string
  readonly serviceTags: readonly string[] | undefined
  readonly type: string
  /** The definition in the form of an answer, with only those fields that were set. */
  readonly definition: ReadonlyMap<string, Printable>
  readonly createIndex: bigint
  readonly modifyIndex: bigint
}

/**
 * True if two rows are equal apart from their indexes. A write of an equal row does not raise an
 * index.
 */
export function sameRow<T extends object>(a: T, b: Omit<T, 'createIndex' | 'modifyIndex'>): boolean {
  const plain = (row: object): string =>
    JSON.stringify({...row, createIndex: 0, modifyIndex: 0}, (_, value: unknown) =>
      value instanceof Map ? [...(value as Map<string, unknown>)].sort() : value,
    )
  return plain(a) === plain(b)
}

/** True if a check of a node belongs to a service on that node. IDs are compared without regard to case. */
export const isCheckOf = (check: CheckRow, service: ServiceRow): boolean =>
  check.serviceId.toLowerCase() === service.id.toLowerCase()
