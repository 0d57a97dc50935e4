import type {ConsulClient} from '../../core/client.js'
import type {CallOptions, SessionId} from '../../core/types.js'
import type {ReleaseOptions} from '../kind.js'
import type {QueueEvent} from '../types.js'
import {encodeOffer, type HolderRecord} from '../wire/holder-record.js'
import {handOver, handOverSteps, offerMutex} from '../wire/mutex-operations.js'
import type {QueueEntry} from '../wire/queue-entry.js'
import {patienceMs} from './contend-loop.js'
import type {MutexKey, Succession} from './mutex-key.js'
import {lookForOthers} from './share.js'

export interface HandOverOptions extends Succession {
  readonly client: ConsulClient
  readonly mutex: MutexKey
  /** The session that holds the lock. */
  readonly session: SessionId
  /** Set if the turns are shared with contenders outside the queue. `record` is that of the holder. */
  readonly shared: {readonly prefix: string; readonly record: HolderRecord} | undefined
  readonly tell: (event: QueueEvent) => void
}

/**
 * Maximum number of attempts to hand the lock to a contender; each of them fails if the contender has died. After that,
 * the lock is released, so that any contender may take it.
 */
const mostReceivers = 5
/** Interval at which a holder that waits for a contender reads the queue. */
const entryPollMs = 50

/**
 * Hands the lock to the first contender in the queue, in one write. If the queue cannot be read, or its first entry was
 * written by another version of the protocol, releases the lock as `consul lock` does, so that any contender may take
 * it.
 */
export async function handOverOrRelease(
  options: HandOverOptions,
  release: ReleaseOptions,
): Promise<'released' | 'lost'> {
  const {tell, shared, owedTurns} = options
  if (!shared || owedTurns > 0) return handOverToFirst(options, release)
  const others = await lookForOthers({...options, ...shared}, {...release})
  const offered = others === 'waiting' ? await offer(options, release, shared.record) : undefined
  const outcome = offered ?? (await handOverToFirst(options, release))
  if (others === 'hidden' && outcome === 'released') tell({type: 'queue.unshared'})
  return outcome
}

async function handOverToFirst(options: HandOverOptions, release: ReleaseOptions): Promise<'released' | 'lost'> {
  const {alongside = [], ...call} = release
  const {client, mutex, session, tell, owedTurns} = options
  const dead = new Set<SessionId>()
  // If Consul accepts the hand-over to the first entry of the queue as it was when the lock was granted, that entry is
  // still the first one, because new entries are added at the end.
  let known = options.queue
  for (let receivers = 0; receivers < mostReceivers; receivers += 1) {
    const queue = known.length > 0 ? known : await awaitQueue(options, call)
    const to = queue.find(entry => !dead.has(entry.session))
    if (to?.record === undefined) {
      if (known.length === 0) break
      known = []
      continue
    }
    known = []
    const {key, session: next, record, ...place} = to
    const operations = handOver(mutex.key, session, {key, session: next, record, ...place}, Math.max(0, owedTurns - 1))
    const result = await client.txn.commit([...operations, ...alongside], call)
    if (result.committed) {
      tell({type: 'lock.handed-over', session: next})
      return 'released'
    }
    const {errors} = result
    if (errors.some(({what}) => /Permission denied|ACL not found/.test(what))) break
    if (errors.some(({opIndex}) => opIndex === handOverSteps.unlock)) return 'lost'
    // The session of this contender has ended, or the contender is no longer in the queue.
    dead.add(next)
  }
  return mutex.releasePlainly(session, release)
}

/**
 * Releases the lock, so that a contender outside the queue may take it before those in the queue. Resolves to undefined
 * if the queue is empty: then the lock is released for all.
 */
async function offer(
  options: HandOverOptions,
  {alongside = [], ...call}: ReleaseOptions,
  record: HolderRecord,
): Promise<'released' | 'lost' | undefined> {
  const {client, mutex, session, queue} = options
  if (queue.length === 0 && (await readQueue(options, call)).length === 0) return undefined
  const result = await client.txn.commit([offerMutex(mutex.key, session, encodeOffer(record)), ...alongside], call)
  if (result.committed) return 'released'
  return result.errors.some(({opIndex}) => opIndex === 0) ? 'lost' : undefined
}

/**
 * Reads the queue. If the contenders in it still have turns to make up for and none is there, waits a moment for one:
 * the next contender of a host enters the queue only after this one has acquired the lock.
 */
async function awaitQueue(options: HandOverOptions, call: CallOptions): Promise<readonly QueueEntry[]> {
  const {clock} = options.client
  const isPatient = options.shared !== undefined && options.owedTurns > 0
  const untilMs = clock.monotonicMs() + (isPatient ? patienceMs : 0)
  for (;;) {
    const queue = await readQueue(options, call)
    if (queue.length > 0 || clock.monotonicMs() >= untilMs) return queue
    await clock.sleep(entryPollMs, call.signal)
  }
}

async function readQueue({client, mutex}: HandOverOptions, call: CallOptions): Promise<readonly QueueEntry[]> {
  try {
    return (await mutex.read({...call, consistency: 'default'})).queue
  } catch (error) {
    client.logger.debug({err: error}, 'queue not read: released the lock for all contenders')
    return []
  }
}
