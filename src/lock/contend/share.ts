import type {ConsulClient} from '../../core/client.js'
import type {CallOptions, KvEntry, SessionId} from '../../core/types.js'
import {parseHolderRecord} from '../wire/holder-record.js'
import {lockKey} from '../wire/names.js'

/** Maximum number of turns that are made up for, so that a long time without baton does not shut others out. */
const mostOwed = 100
/** Number of turns after which the lock is offered again if no contender took it when it was offered. */
export const turnsAfterOffer = 10

/**
 * Counts the turns that contenders of other tools have had since a contender of baton last held the lock, as far as
 * this contender has seen them.
 */
export class OtherTurns {
  #count = 0
  #known: KvEntry | undefined
  #head: SessionId | undefined

  /** Takes note of the key, and of the first contender in the queue if it was read. */
  note(lock: KvEntry | undefined, head?: SessionId): void {
    // The head changes when it has had its turn.
    if (head !== undefined && head !== this.#head) {
      this.#head = head
      this.#count = 0
    }
    if (!lock) return
    if (parseHolderRecord(lock.value)) this.#count = 0
    else this.#count += this.#turnsUntil(lock)
    this.#known = lock
  }

  /** Returns how often the key was acquired since this contender last saw it: Consul counts that in the key. */
  #turnsUntil({session, createIndex, lockIndex}: KvEntry): number {
    const known = this.#known
    if (!known) return session === undefined ? 0 : 1
    // A plain write sets the count to 0.
    return Math.max(0, Number(createIndex === known.createIndex ? lockIndex - known.lockIndex : lockIndex))
  }

  /**
   * Returns how many turns the contenders in the queue have after that of this contender, if it takes the free lock:
   * together as many as the others had.
   */
  get owedTurns(): number {
    return Math.min(mostOwed, Math.max(0, this.#count - 1))
  }
}

export interface OtherWaitersOptions {
  readonly client: ConsulClient
  readonly prefix: string
  /** The session that holds the lock. */
  readonly session: SessionId
}

/**
 * Resolves to `waiting` if a contender of `consul lock` seems to wait for the lock: a session has the name that `consul
 * lock` gives it. Resolves to `hidden` if Consul does not list the holder's own session: it leaves out those that the
 * token may not read.
 */
export async function lookForOthers(
  options: OtherWaitersOptions,
  call: CallOptions,
): Promise<'none' | 'waiting' | 'hidden'> {
  const {client, prefix, session} = options
  try {
    const {value: sessions} = await client.session.list(call)
    const key = lockKey(prefix)
    if (sessions.some(({name}) => goLockKey(name) === key)) return 'waiting'
    return sessions.some(({id}) => id === session) ? 'none' : 'hidden'
  } catch (error) {
    client.logger.debug({err: error}, 'sessions not read: handed the lock over')
    return 'none'
  }
}

/** Returns the key of the lock for which `consul lock` created a session of this name. */
function goLockKey(name: string): string | undefined {
  const prefix = /^Consul lock for '[\s\S]*' at '([\s\S]*)'$/.exec(name)?.[1]
  return prefix === undefined ? undefined : lockKey(prefix)
}
