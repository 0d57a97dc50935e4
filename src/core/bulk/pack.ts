import {txnOperationLimit, valueLimitBytes} from '../consul-constants.js'
import type {ConsulError} from '../errors.js'
import type {CallOptions, KvOperation} from '../types.js'

/** A write that is sent in a transaction together with others. */
export interface BulkItem {
  readonly operation:
    | Extract<KvOperation, {verb: 'set' | 'cas'}>
    | {readonly verb: 'delete'; readonly key: string}
    | {readonly verb: 'delete-cas'; readonly key: string; readonly index: bigint}
  /**
   * Consecutive items of the same group share a transaction if they fit. Undefined if the item has no group.
   */
  readonly group?: bigint | undefined
}

/** Limits of one transaction. They are lowered when Consul reports lower limits of its own. */
export interface BulkLimits {
  operationCount: number
  /** Maximum size of the request's body. */
  bytes: number
}

/** Consul's defaults. */
export const defaultBulkLimits = (): BulkLimits => ({operationCount: txnOperationLimit, bytes: valueLimitBytes})

export type BulkScope = Pick<CallOptions, 'namespace' | 'partition'>

const operationOverhead = 130
/** The brackets around all operations. */
const bodyOverhead = 2

/** Returns true if the operation writes a value. */
export const isValued = (operation: BulkItem['operation']): operation is Extract<KvOperation, {verb: 'set' | 'cas'}> =>
  'value' in operation

/** Returns the maximum number of bytes that an operation takes in the body of a transaction. */
function operationBytes({operation}: BulkItem, scope: BulkScope): number {
  const value = 'value' in operation ? Math.ceil(Buffer.byteLength(operation.value) / 3) * 4 : 0
  const names = Buffer.byteLength(JSON.stringify([operation.key, scope.namespace ?? '', scope.partition ?? '']))
  return operationOverhead + value + names
}

/** True if the item does not fit even in a transaction of its own. */
export const isOversized = (item: BulkItem, limits: BulkLimits, scope: BulkScope): boolean =>
  operationBytes(item, scope) + bodyOverhead > limits.bytes

/**
 * Yields the items in order, in batches that each fit into one transaction; an item that fits into no transaction gets
 * a batch of its own. A group is divided only if one transaction cannot hold it. Items are read only as batches are
 * requested, and the limits are read again for each item.
 */
export function* packBatches<T extends BulkItem>(
  items: Iterable<T>,
  limits: Readonly<BulkLimits>,
  scope: BulkScope,
): Generator<readonly T[]> {
  let batch: T[] = []
  let bytes = bodyOverhead
  const fits = (count: number, size: number): boolean =>
    batch.length + count <= limits.operationCount && bytes + size <= limits.bytes
  for (const group of toGroups(items)) {
    const sizes = group.map(item => operationBytes(item, scope))
    const whole = sizes.reduce((sum, size) => sum + size, 0)
    const fitsAlone = group.length <= limits.operationCount && whole + bodyOverhead <= limits.bytes
    const isApart = fitsAlone && !fits(group.length, whole)
    for (const [at, item] of group.entries()) {
      const size = sizes[at] ?? 0
      if (batch.length > 0 && ((isApart && at === 0) || !fits(1, size))) {
        yield batch
        batch = []
        bytes = bodyOverhead
      }
      batch.push(item)
      bytes += size
    }
  }
  if (batch.length > 0) yield batch
}

function* toGroups<T extends BulkItem>(items: Iterable<T>): Generator<readonly T[]> {
  let group: T[] = []
  for (const item of items) {
    const [first] = group
    if (first && (item.group === undefined || first.group !== item.group)) {
      yield group
      group = []
    }
    group.push(item)
  }
  if (group.length > 0) yield group
}

/**
 * Lowers the limits to those that a 413 answer names. If the answer names none, the new limit on operations is half the
 * number that was refused.
 */
export function learnLimits(limits: BulkLimits, error: ConsulError, refusedCount: number): void {
  const operations = /too many operations \(\d+ > (\d+)\)/.exec(error.text)?.[1]
  const bytes = /max size: (\d+) bytes/.exec(error.text)?.[1]
  const most = limits.operationCount
  if (operations !== undefined) limits.operationCount = Math.max(1, Math.min(most - 1, Number(operations)))
  else if (bytes !== undefined && Number(bytes) < limits.bytes) limits.bytes = Number(bytes)
  else if (refusedCount > 1) limits.operationCount = Math.max(1, Math.min(most, Math.floor(refusedCount / 2)))
}

/** Returns both halves of a list; if the list has a single item, the second half is empty. */
export function halve<T>(items: readonly T[]): readonly [readonly T[], readonly T[]] {
  const middle = Math.ceil(items.length / 2)
  return [items.slice(0, middle), items.slice(middle)]
}

/** Divides a refused batch: packs it again within the given limits or, if that gives a single batch, halves it. */
export function packSmaller<T extends BulkItem>(
  batch: readonly T[],
  limits: Readonly<BulkLimits>,
  scope: BulkScope,
): readonly (readonly T[])[] {
  const parts = [...packBatches(batch, limits, scope)]
  return parts.length > 1 ? parts : halve(batch)
}
