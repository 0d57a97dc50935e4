import type {ConsulClient} from '../core/client.js'
import {follow} from '../core/query/follow.js'
import {kvPrefix} from '../core/query/topics.js'
import type {SessionId} from '../core/types.js'
import {inspectLock, type LockParty, type LockStatus} from './inspect.js'
import {joinKey} from './wire/names.js'

/** Interval at which contenders that write no key are looked for. */
const lookEveryMs = 10_000

/** Yields the state of a lock, then each later state that differs from the one before. Ends when the signal aborts. */
export async function* followLock(
  client: ConsulClient,
  prefix: string,
  options: {readonly signal: AbortSignal},
): AsyncGenerator<LockStatus, never, undefined> {
  const passers = new Passers()
  let known: string | undefined
  const keys = kvPrefix(client, joinKey(prefix, 'x').slice(0, -1))
  const answers = follow(keys, client, {...options, waitMs: lookEveryMs})
  for (;;) {
    await answers.next()
    const status = passers.leaveOut(await inspectLock(client, prefix, options))
    const text = JSON.stringify(status, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
    if (text === known) continue
    known = text
    yield status
  }
}

/**
 * Leaves out sessions that look like waiting contenders for a moment: one that is about to enter the queue, and one that
 * has released the lock and still exists.
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
