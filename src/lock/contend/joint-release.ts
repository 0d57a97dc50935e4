import type {ConsulClient} from '../../core/client.js'
import type {CallOptions, KvOperation, SessionId, TxnError} from '../../core/types.js'
import type {ReleaseOptions} from '../kind.js'
import type {QueueEvent} from '../types.js'
import {handOver, releaseMutex} from '../wire/mutex-operations.js'
import {type QueueEntry, queuePrefix, toQueue} from '../wire/queue-entry.js'
import {toRefusal} from '../wire/refusal.js'
import type {MutexKey} from './mutex-key.js'

/** One of the keys that are acquired together. */
export interface JointKey {
  readonly prefix: string
  readonly mutex: MutexKey
}

export interface JointReleaseOptions {
  readonly client: ConsulClient
  /** The session that holds all keys. */
  readonly session: SessionId
  readonly keys: readonly JointKey[]
  /** True to hand each key to the first contender in its queue. */
  readonly handsOver: boolean
  readonly tell: (event: QueueEvent) => void
}

/** Maximum number of attempts that hand keys over; each of them fails if a receiver has died. */
const mostAttempts = 5

/** The release of one key, as a part of the transaction that releases all of them. */
interface Part {
  readonly one: JointKey
  readonly to: QueueEntry | undefined
  readonly operations: readonly KvOperation[]
}

/**
 * Releases all keys in one transaction, in which each key is handed to the first contender in its queue, if there is
 * one. Resolves to `lost` if the session no longer held one of the keys; the others are released all the same.
 */
export async function releaseJointly(
  options: JointReleaseOptions,
  {alongside = [], ...call}: ReleaseOptions,
): Promise<'released' | 'lost'> {
  const {client, session, tell} = options
  const dead = new Set<SessionId>()
  let held = options.keys
  let canHandOver = options.handsOver
  for (let attempts = 1; held.length > 0; attempts += 1) {
    const queues = canHandOver ? await readQueues({...options, keys: held}, call) : []
    const parts = held.map((one, at) =>
      toPart(
        session,
        one,
        queues[at]?.find(entry => !dead.has(entry.session)),
      ),
    )
    const result = await client.txn.commit([...parts.flatMap(({operations}) => operations), ...alongside], call)
    if (result.committed) {
      for (const {to} of parts) if (to) tell({type: 'lock.handed-over', session: to.session})
      return held.length === options.keys.length ? 'released' : 'lost'
    }
    const {lost, gone} = blame(parts, result.errors)
    for (const receiver of gone) dead.add(receiver)
    held = held.filter(one => !lost.has(one))
    const isKnown = lost.size > 0 || gone.length > 0
    if (!isKnown && !canHandOver) toRefusal(result.errors, session, held[0]?.mutex.key ?? '')
    canHandOver = canHandOver && isKnown && attempts < mostAttempts
  }
  return 'lost'
}

/** An entry without a record was written by another version of the protocol, so the key is released for all. */
function toPart(session: SessionId, one: JointKey, first: QueueEntry | undefined): Part {
  const {key} = one.mutex
  if (first?.record === undefined) return {one, to: undefined, operations: releaseMutex(key, session)}
  return {one, to: first, operations: handOver(key, session, {...first, record: first.record})}
}

/** Returns the keys that the session does not hold any more, and the receivers that have died or left their queue. */
function blame(
  parts: readonly Part[],
  errors: readonly TxnError[],
): {readonly lost: ReadonlySet<JointKey>; readonly gone: readonly SessionId[]} {
  const places = parts.flatMap(part => part.operations.map(operation => ({part, operation})))
  const lost = new Set<JointKey>()
  const gone: SessionId[] = []
  for (const {opIndex, what} of errors) {
    const place = places[opIndex]
    if (!place || /Permission denied|ACL not found/.test(what)) continue
    if (place.operation.verb === 'unlock') lost.add(place.part.one)
    else if (place.part.to) gone.push(place.part.to.session)
  }
  return {lost, gone}
}

/** Resolves to the queues of the keys, or to none if they cannot be read. */
async function readQueues(
  {client, keys}: JointReleaseOptions,
  call: CallOptions,
): Promise<readonly (readonly QueueEntry[])[]> {
  const prefixes = keys.map(({prefix}) => queuePrefix(prefix))
  try {
    const operations = prefixes.map(key => ({verb: 'get-tree', key}) as const)
    const result = await client.txn.commit(operations, call)
    if (!result.committed) return []
    return prefixes.map(prefix => toQueue(result.entries.filter(({key}) => key.startsWith(prefix))))
  } catch (error) {
    client.logger.debug({err: error}, 'queues not read: released the locks for all contenders')
    return []
  }
}
