import type {ConsulClient} from '../../core/client.js'
import type {CallOptions, SessionId} from '../../core/types.js'
import type {ReleaseOptions} from '../kind.js'
import type {QueueEvent} from '../types.js'
import {handOver, handOverSteps} from '../wire/mutex-operations.js'
import type {QueueEntry} from '../wire/queue-entry.js'
import type {MutexKey} from './mutex-key.js'

export interface HandOverOptions {
  readonly client: ConsulClient
  readonly mutex: MutexKey
  /** The session that holds the lock. */
  readonly session: SessionId
  /**
   * The queue as it was when the lock was granted, or empty. If Consul accepts the hand-over to its first entry, that
   * entry is still the first one, because new entries are added at the end.
   */
  readonly queue: readonly QueueEntry[]
  readonly tell: (event: QueueEvent) => void
}

/**
 * Maximum number of attempts to hand the lock to a contender; each of them fails if the contender has died. After that,
 * the lock is released, so that any contender may take it.
 */
const mostReceivers = 5

/**
 * Hands the lock to the first contender in the queue, in one write. If the queue cannot be read, or its first entry was
 * written by another version of the protocol, releases the lock as `consul lock` does, so that any contender may take
 * it.
 */
export async function handOverOrRelease(
  options: HandOverOptions,
  release: ReleaseOptions,
): Promise<'released' | 'lost'> {
  const {alongside = [], ...call} = release
  const {client, mutex, session, tell} = options
  const dead = new Set<SessionId>()
  let known = options.queue
  for (let receivers = 0; receivers < mostReceivers; receivers += 1) {
    const queue = known.length > 0 ? known : await readQueue(options, call)
    const to = queue.find(entry => !dead.has(entry.session))
    if (to?.record === undefined) {
      if (known.length === 0) break
      known = []
      continue
    }
    known = []
    const {key, session: next, record, ...place} = to
    const operations = handOver(mutex.key, session, {key, session: next, record, ...place})
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

async function readQueue({client, mutex}: HandOverOptions, call: CallOptions): Promise<readonly QueueEntry[]> {
  try {
    return (await mutex.read({...call, consistency: 'default'})).queue
  } catch (error) {
    client.logger.debug({err: error}, 'queue not read: released the lock for all contenders')
    return []
  }
}
