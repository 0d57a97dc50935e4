import type {CallOptions, KvOperation} from '../../core/types.js'

/** One key to write or delete. */
export interface Work {
  readonly key: string
  readonly operation: Extract<KvOperation, {verb: 'set'}> | {readonly verb: 'delete'; readonly key: string}
  /** Work of one group becomes visible together where a transaction can hold it. */
  readonly group: bigint | undefined
  /** In the body of a transaction, never less than the truth. */
  readonly bytes: number
}

/** What the destination takes in one transaction. Lowered when it says that it takes less. */
export interface Limits {
  operations: number
  bytes: number
}
export const defaultLimits = (): Limits => ({operations: 64, bytes: 524_288})

const operationOverhead = 110

export function toWork(
  operation: Work['operation'],
  group: bigint | undefined,
  scope: Pick<CallOptions, 'namespace' | 'partition'>,
): Work {
  const value = 'value' in operation ? Math.ceil(operation.value.byteLength / 3) * 4 : 0
  const names = Buffer.byteLength(JSON.stringify([operation.key, scope.namespace ?? '', scope.partition ?? '']))
  return {key: operation.key, operation, group, bytes: operationOverhead + value + names}
}

/** Splits work into transactions within the limits, in order, a group undivided where it fits. */
export function toBatches(work: readonly Work[], limits: Limits): Work[][] {
  const batches: Work[][] = []
  let batch: Work[] = []
  let bytes = 2
  const close = (): void => {
    if (batch.length > 0) batches.push(batch)
    batch = []
    bytes = 2
  }
  const fits = (count: number, size: number): boolean =>
    batch.length + count <= limits.operations && bytes + size <= limits.bytes
  for (const group of toGroups(work)) {
    const size = group.reduce((sum, item) => sum + item.bytes, 0)
    if (!fits(group.length, size) && group.length <= limits.operations && size + 2 <= limits.bytes) close()
    for (const item of group) {
      if (!fits(1, item.bytes)) close()
      batch.push(item)
      bytes += item.bytes
    }
  }
  close()
  return batches
}

function* toGroups(work: readonly Work[]): Generator<readonly Work[]> {
  let group: Work[] = []
  for (const item of work) {
    const [first] = group
    if (first && (item.group === undefined || first.group !== item.group)) {
      yield group
      group = []
    }
    group.push(item)
  }
  if (group.length > 0) yield group
}

/** Reads the limit out of a 413. Without one in the text, half of what was refused. */
export function learnLimit(limits: Limits, text: string, refused: readonly Work[]): void {
  const operations = /too many operations \(\d+ > (\d+)\)/.exec(text)?.[1]
  const bytes = /max size: (\d+) bytes/.exec(text)?.[1]
  if (operations !== undefined) limits.operations = Math.max(1, Math.min(limits.operations - 1, Number(operations)))
  else if (bytes !== undefined && Number(bytes) < limits.bytes) limits.bytes = Number(bytes)
  else if (refused.length > 1) limits.operations = Math.max(1, Math.floor(refused.length / 2))
}
