import type {BulkItem} from '../../core/bulk/pack.js'
import {sendBulk} from '../../core/bulk/send.js'
import {txnOperationLimit} from '../../core/consul-constants.js'
import type {CompleteOptions} from '../complete-options.js'
import {confirmAbsent} from '../plan/confirm-absent.js'
import type {KeyScope} from '../plan/key-scope.js'
import type {Mapping} from '../types.js'
import {type Approval, approvalLifeMs, decodeApproval} from './approval.js'
import type {HeldBook} from './held-book.js'
import type {HeldSet} from './held-set.js'

/** The objects that are needed to carry out an approval. */
export interface CarryOutContext {
  readonly options: CompleteOptions
  readonly mapping: Mapping
  readonly scope: KeyScope
  readonly book: HeldBook
  /** Called with the number of keys that a transaction has deleted. */
  readonly onDeleted: (count: number) => void
  /** Aborting `stop` prevents new requests; aborting `kill` cancels requests in flight. */
  readonly stop: AbortSignal
  readonly kill: AbortSignal
}

interface Given {
  readonly key: string
  readonly index: bigint
  readonly approval: Approval | undefined
}

/**
 * Makes the approved deletes, then removes the approvals. A key of an approved set is deleted only if it was not
 * written in the meantime and the source's leader reports that it does not exist there. The approval is removed last,
 * so that it survives if the process is killed; repeating its deletes is harmless. Returns the number of approvals that
 * were found, including those that were not valid.
 */
export async function carryOutApprovals(context: CarryOutContext): Promise<number> {
  const {options, book, mapping, stop} = context
  const {destination, observer} = options
  const {value: entries} = await destination.kv.list(book.paths.approved, {signal: stop, consistency: 'consistent'})
  if (entries.length === 0) return 0
  const sets = await book.load(stop)
  for (const {key, modifyIndex: index, value} of entries) {
    const given = {key, index, approval: decodeApproval(value)}
    const id = key.slice(book.paths.approved.length)
    const set = sets.find(each => each.id === id)
    const reason = refusal(given, set, {id, nowMs: options.clock.wallMs()})
    if (reason === undefined && set) {
      const deleted = await deleteSet(context, set)
      await book.remove(set.id, context.kill)
      await destination.kv.delete(key, {signal: context.kill})
      observer({type: 'approval.finished', mapping, id, deleted, kept: set.keys.size - deleted})
    } else {
      const isRemoved = await destination.kv.deleteCas(key, {index, signal: stop})
      if (isRemoved && reason !== undefined) observer({type: 'approval.refused', mapping, id, reason})
    }
  }
  return entries.length
}

function refusal(
  {approval}: Given,
  set: HeldSet | undefined,
  {id, nowMs}: {readonly id: string; readonly nowMs: number},
): string | undefined {
  if (!approval || approval.id !== id) return 'it is not an approval'
  if (!set) return 'no held set has this id'
  if (approval.digest !== set.digest) return 'it was given for other keys'
  if (nowMs - approval.atMs >= approvalLifeMs) return 'it is older than a day'
  return undefined
}

/**
 * Makes the deletes of one set. Returns the number of deleted keys. Rejects if `stop` aborts, and with any error that
 * does not concern a single key.
 */
async function deleteSet(context: CarryOutContext, set: HeldSet): Promise<number> {
  const keys = [...set.keys]
  let deleted = 0
  for (let at = 0; at < keys.length; at += txnOperationLimit) {
    context.stop.throwIfAborted()
    deleted += await deleteSome(context, keys.slice(at, at + txnOperationLimit))
  }
  return deleted
}

async function deleteSome(context: CarryOutContext, keys: readonly (readonly [string, bigint])[]): Promise<number> {
  const {options, mapping, scope, book, stop, kill} = context
  const {destination, writer, source, sourceCall, limits, observer} = options
  const inScope = keys.filter(([key]) => key.startsWith(mapping.destination) && scope.includes(scope.toSource(key)))
  const names = inScope.map(([key]) => key)
  const {present} = await confirmAbsent(destination, names, {signal: stop})
  const unchanged = inScope.filter(([key, index]) => {
    const entry = present.get(key)
    return entry?.modifyIndex === index && !scope.isForeign(entry)
  })
  const toSource = ([key]: readonly [string, bigint]): string => scope.toSource(key)
  const {absent} = await confirmAbsent(source, unchanged.map(toSource), {...sourceCall(mapping), signal: stop})
  const items = unchanged
    .filter(pair => absent.has(toSource(pair)))
    .map(([key, index]): BulkItem => ({operation: {verb: 'delete-cas', key, index}}))
  const going = items.flatMap(({operation: {key}}) => {
    const before = present.get(key)
    return before ? [{key, before, after: undefined, sourceIndex: 0n}] : []
  })
  await options.journal?.keep(mapping, going)
  let deleted = 0
  const failure = await sendBulk(items, {
    client: writer,
    limits,
    concurrency: 1,
    stop,
    kill,
    onCommitted: committed => {
      context.onDeleted(committed.length)
      for (const {operation} of committed) {
        deleted += 1
        if (operation.verb === 'delete-cas') book.note(operation.key, operation.index)
        observer({type: 'key.deleted', mapping, key: operation.key})
      }
    },
    handleRefused: () => 'continue',
  })
  if (failure) throw failure.error
  stop.throwIfAborted()
  return deleted
}
