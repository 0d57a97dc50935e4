import type {ConsulClient} from '../core/client.js'
import {follow} from '../core/query/follow.js'
import {kvPrefix} from '../core/query/topics.js'
import type {FollowStatus} from '../core/query/types.js'
import type {SessionId} from '../core/types.js'
import {inspectLock, type LockParty, type LockStatus} from './inspect.js'
import {joinKey} from './wire/names.js'

/** Interval at which the sessions are searched for contenders that write no key. */
const lookEveryMs = 10_000

export interface FollowLockOptions {
  readonly signal: AbortSignal
  /** Called with an error when the lock can no longer be read, and with undefined when it can be read again. */
  readonly onTrouble?: (error: unknown) => void
}

/**
 * Yields the state of a lock, then each later state that differs from the previous one. Rejects if the first read
 * fails; later failures are retried. After the first read, only the signal ends the sequence.
 */
export async function* followLock(
  client: ConsulClient,
  prefix: string,
  {signal, onTrouble = () => {}}: FollowLockOptions,
): AsyncGenerator<LockStatus, never, undefined> {
  const passers = new Passers()
  const read = async (): Promise<LockStatus> => passers.leaveOut(await inspectLock(client, prefix, {signal}))
  let status = await read()
  let known = textOf(status)
  yield status
  const keys = kvPrefix(client, joinKey(prefix, 'x').slice(0, -1))
  const onStatus = (news: FollowStatus): void => {
    if (news.type === 'retrying') onTrouble(news.error)
  }
  const answers = follow(keys, client, {signal, waitMs: lookEveryMs, onStatus})
  for (;;) {
    await answers.next()
    try {
      status = await read()
    } catch (error) {
      signal.throwIfAborted()
      onTrouble(error)
      continue
    }
    onTrouble(undefined)
    const text = textOf(status)
    if (text === known) continue
    known = text
    yield status
  }
}

const textOf = (status: LockStatus): string =>
  JSON.stringify(status, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))

/**
 * Leaves out sessions that only briefly look like waiting contenders: those about to enter the queue, and
 * those that have released the lock but still exist.
 */
class Passers {
  readonly #held = new Set<SessionId>()
  #seen: ReadonlySet<SessionId> = new Set()

  leaveOut(status: LockStatus): LockStatus {
    for (const {session} of status.holders) this.#held.add(session)
    const seen = this.#seen
    this.#seen = new Set(status.waiters.map(({session}) => session))
    const isWaiter = ({session, position, info}: LockParty): boolean =>
      position !== undefined ||
      (!this.#held.has(session) && (seen.has(session) || info?.name.startsWith('Consul') === true))
    return {...status, waiters: status.waiters.filter(isWaiter)}
  }
}
