import {checkOptions, type OptionRule, oneOf, text, textOrBytes, uint64} from '../check-options.js'
import type {Answer, Caller} from '../http/caller.js'
import type {CallOptions, Consistency, KvOperation, TxnResult} from '../types.js'
import {decodeJson} from './json.js'
import {type RawKvEntry, toKvEntry} from './kv.js'

interface RawTxn {
  readonly Results: readonly {readonly KV?: RawKvEntry}[] | null
  readonly Errors: readonly {readonly OpIndex: number; readonly What: string}[] | null
}

/** Transactions: several operations on keys, of which Consul applies all or none. */
export interface TxnApi {
  /**
   * Applies either all operations, under one index, or none. A refusal by Consul (409) is a result, not an error. The
   * result contains an entry for each operation that returns one; the entry of a write has an empty `value`.
   */
  commit(
    operations: readonly KvOperation[],
    options?: CallOptions & {readonly consistency?: Consistency},
  ): Promise<TxnResult>
}

const verbs =
  'set cas lock unlock get get-tree delete delete-tree check-not-exists check-index delete-cas check-session'
const operationRules = {
  verb: oneOf(verbs.split(' ')),
  key: text,
  value: textOrBytes,
  index: uint64,
  flags: uint64,
  session: text,
} as const
const list: OptionRule = {expected: 'an array of operations', accepts: Array.isArray}

function checkOperations(operations: readonly KvOperation[]): void {
  checkOptions('txn.commit', {operations}, {operations: list}, ['operations'])
  for (const operation of operations) checkOptions('txn.commit', operation, operationRules, ['verb', 'key'])
}

/** Written by hand, because JSON.stringify cannot write 64-bit numbers as digits. */
function encodeOperation(operation: KvOperation, options: CallOptions): string {
  const fields = [`"Verb":"${operation.verb}"`, `"Key":${JSON.stringify(operation.key)}`]
  if ('value' in operation) fields.push(`"Value":"${Buffer.from(operation.value).toString('base64')}"`)
  if ('flags' in operation) fields.push(`"Flags":${operation.flags}`)
  if ('index' in operation) fields.push(`"Index":${operation.index}`)
  if ('session' in operation) fields.push(`"Session":${JSON.stringify(operation.session)}`)
  // A transaction takes namespace and partition as fields of each operation, not from the query
  // string.
  if (options.namespace !== undefined) fields.push(`"Namespace":${JSON.stringify(options.namespace)}`)
  if (options.partition !== undefined) fields.push(`"Partition":${JSON.stringify(options.partition)}`)
  return `{"KV":{${fields.join(',')}}}`
}

/** Returns the body of a transaction. The servers limit its size (512 kB by default). */
export const encodeTxn = (operations: readonly KvOperation[], options: CallOptions = {}): Buffer =>
  Buffer.from(`[${operations.map(operation => encodeOperation(operation, options)).join(',')}]`)

/** Stands for an index that is not known yet. It has as many digits as an index can have. */
export const unknownIndex = 2n ** 64n - 1n

/**
 * Encodes a transaction in advance, so that sending it takes as little time as possible. The returned function sends
 * it, and can be called once: the given index takes the place of the single {@link unknownIndex}.
 */
export function prepareTxn(
  {caller, scope}: {readonly caller: Caller; readonly scope: CallOptions},
  operations: readonly KvOperation[],
  options: CallOptions,
): (index: string) => Promise<TxnResult> {
  const body = encodeTxn(operations, {...scope, ...options})
  const digits = unknownIndex.toString()
  // JSON allows spaces in front of a number.
  const gap = {at: body.indexOf(digits), length: digits.length}
  const send = caller.prepare({...txnCall, body, gap}, options)
  return async index => toResult(await send(index))
}

const txnCall = {method: 'PUT', path: '/v1/txn', accept: [200, 409]} as const

function toResult(answer: Answer): TxnResult {
  const raw = decodeJson<RawTxn>('txn', answer)
  if (answer.status === 409) {
    const errors = (raw.Errors ?? []).map(error => ({opIndex: error.OpIndex, what: error.What}))
    return {committed: false, errors, sentAtMs: answer.sentAtMs}
  }
  const entries = (raw.Results ?? []).flatMap(result => (result.KV ? [toKvEntry(result.KV)] : []))
  return {committed: true, entries, sentAtMs: answer.sentAtMs}
}

export function createTxnApi(caller: Caller, scope: Pick<CallOptions, 'namespace' | 'partition'> = {}): TxnApi {
  return {
    async commit(operations, options = {}) {
      checkOperations(operations)
      const body = encodeTxn(operations, {...scope, ...options})
      const query = options.consistency === 'consistent' ? {consistent: true as const} : {}
      return toResult(await caller.call({...txnCall, query, body}, options))
    },
  }
}
