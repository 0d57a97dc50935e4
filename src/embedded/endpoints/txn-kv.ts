import type {Authorizer} from '../acl/authorizer.js'
import type {Datacenter} from '../datacenter.js'
import {fromBytes, toBytes} from '../go/bytes.js'
import {permissionDenied, RpcError} from '../refusals.js'
import type {Batch} from '../store/batch.js'
import type {KvRow, KvWrite} from '../store/kv.js'
import {checkKeyName, requireSession} from './kv.js'
import {printRow} from './kv-print.js'
import type {Operation} from './txn-operation.js'

const quote = (text: string): string => JSON.stringify(text)
const result = (row: KvRow, withValue = false): string => `{"KV":${printRow(row, withValue)}}`

const accessOf = (verb: string): 'read' | 'write' => (verb.startsWith('check-') ? 'read' : 'write')

/** Checks one operation before any operation of the transaction is applied. Throws if the operation is refused. */
export function kvPreCheck(target: Datacenter, may: Authorizer, {verb, body}: Operation): void {
  const key = body.string('Key')
  if (key === '' && verb !== 'delete-tree') throw new RpcError('Must provide key')
  checkKeyName(target, key)
  const allowed =
    verb === 'delete-tree' ? may.canWriteBelow(key) : verb.startsWith('get') || may.can('key', key, accessOf(verb))
  if (!allowed) throw permissionDenied()
  if (verb === 'lock' && target.lockDelays.inForce(toBytes(key))) {
    throw new RpcError(`failed to lock key ${quote(key)} due to lock delay`)
  }
}

interface Step {
  readonly batch: Batch
  readonly target: Datacenter
  readonly may: Authorizer
  /** The verb as the client wrote it. */
  readonly name: string
  readonly key: string
  readonly put: KvWrite
  readonly index: bigint
  readonly session: string
}

const must = (row: KvRow | undefined, text: string): KvRow => {
  if (!row) throw new RpcError(text)
  return row
}

/** Silently omits rows that the token may not read. */
const visible = ({may}: Step, rows: readonly KvRow[]): readonly string[] =>
  rows.filter(row => may.can('key', fromBytes(row.key), 'read')).map(row => result(row, true))

const stored = ({target, key}: Step): KvRow | undefined => target.state.kv.get(key)

const verbs: Readonly<Record<string, (step: Step) => readonly string[]>> = {
  set: ({batch, target, put}) => [result(target.state.kv.put(batch, put))],
  cas: ({batch, target, put, index, name}) => [
    result(must(target.state.kv.cas(batch, put, index), `failed to set key ${quote(name)}, index is stale`)),
  ],
  lock: ({batch, target, put, session, name}) => {
    requireSession(target, session)
    const row = target.state.kv.lock(batch, put, session.toLowerCase())
    return [result(must(row, `failed to lock key ${quote(name)}, lock is already held`))]
  },
  unlock: ({batch, target, put, session, name}) => {
    if (session === '') throw new RpcError('missing session')
    const row = target.state.kv.unlock(batch, put, session)
    return [result(must(row, `failed to unlock key ${quote(name)}, lock isn't held, or is held by another session`))]
  },
  get: step => visible(step, [must(stored(step), `key ${quote(step.name)} doesn't exist`)]),
  'get-tree': step => visible(step, step.target.state.kv.list(step.key).rows),
  'check-index': step => {
    const row = must(stored(step), `failed to check index, key ${quote(step.name)} doesn't exist`)
    if (row.modifyIndex === step.index) return [result(row)]
    throw new RpcError(
      `failed index check for key ${quote(step.name)}, current modify index ${row.modifyIndex} != ${step.index}`,
    )
  },
  'check-session': step => {
    const row = must(stored(step), `failed to check session, key ${quote(step.name)} doesn't exist`)
    if (row.session === step.session) return [result(row)]
    throw new RpcError(
      `failed session check for key ${quote(step.name)}, current session ${quote(row.session)} != ${quote(step.session)}`,
    )
  },
  'check-not-exists': step => {
    if (stored(step)) throw new RpcError(`key ${quote(step.name)} exists`)
    return []
  },
  delete: ({batch, target, key}) => {
    target.state.kv.delete(batch, key)
    return []
  },
  'delete-tree': ({batch, target, key}) => {
    target.state.kv.deleteTree(batch, key)
    return []
  },
  'delete-cas': ({batch, target, key, index, name}) => {
    if (target.state.kv.deleteCas(batch, key, index)) return []
    throw new RpcError(`failed to delete key ${quote(name)}, index is stale`)
  },
}

/** Applies one operation, and returns its results as JSON. */
export function applyKv(
  batch: Batch,
  {target, may}: {readonly target: Datacenter; readonly may: Authorizer},
  {verb, body}: Operation,
): readonly string[] {
  const act = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  if (!act) throw new RpcError(`unknown KV verb ${quote(verb)}`)
  const name = body.string('Key')
  const key = toBytes(name)
  return act({
    batch,
    target,
    may,
    name,
    key,
    put: {key, value: body.bytes('Value') ?? Buffer.alloc(0), flags: body.uint64('Flags')},
    index: body.uint64('Index'),
    session: body.string('Session'),
  })
}
