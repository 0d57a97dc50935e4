import {isBatonError} from '../../core/errors.js'
import type {ConsulIndex, KvEntry, KvOperation, SessionId} from '../../core/types.js'
import type {Grant} from '../kind.js'
import type {QueueEvent} from '../types.js'
import {describeHolder, isOffered, isUnproven, owedTurnsOf} from '../wire/holder-record.js'
import {enterQueue, leaveQueue, passOver, probeLockDelay, proveReceipt, takeMutex} from '../wire/mutex-operations.js'
import type {QueueEntry} from '../wire/queue-entry.js'
import {type Refusal, toRefusal} from '../wire/refusal.js'
import {patienceMs, untilDecided, waiterWaitMs} from './contend-loop.js'
import type {MutexState} from './mutex-key.js'
import {type ContenderOptions, takeFree, toContender} from './plain-contender.js'
import {PreparedTake} from './prepared-take.js'
import {OtherTurns, turnsAfterOffer} from './share.js'

/** Interval at which a contender that is not first in the queue asks whether a lock-delay has ended. */
const delayPollMs = 500
/** Number of contenders that watch the key of the lock. One would be enough if it could not die. */
const followers = 3
/**
 * Number of blocking queries after which a contender that does not watch the key of the lock reads the queue, even if
 * the entry ahead has not changed.
 */
const waitsWithoutRead = 4
/** Maximum number of queue entries that are deleted in one transaction, which can have at most 64 operations. */
const mostPassedOver = 50

export interface QueuedContenderOptions extends ContenderOptions {
  readonly entryKey: string
  /** Called before the contender enters the queue. */
  readonly entering: () => void
  readonly tell: (event: QueueEvent) => void
}

/** `again`: the contender must read the state again. `left`: this contender cannot use the queue. */
type Step = Grant | 'again' | 'left' | undefined
type Held = KvEntry & {readonly session: SessionId}

/** A state of the lock that should change within `patienceMs` if the contender responsible for it is alive. */
interface Stuck {
  readonly state: string
  readonly sinceMs: number
  /** True if no lock-delay runs. */
  readonly isOpen: boolean
}

/**
 * Contends in the queue of a mutex. Resolves to `left` if this contender cannot use the queue; it then has no
 * entry there.
 */
export async function contendInQueue(options: QueuedContenderOptions): Promise<Grant | 'left' | undefined> {
  const contender = new QueuedContender(options)
  return untilDecided(options.client, options, () => contender.step())
}

/**
 * A contender owns the key `.queue/<session>`. The queue is in the order in which these keys were created. The first
 * contender acquires the lock when it is free. A holder that releases the lock hands it to the first contender in the
 * same write, and deletes that contender's entry. The receiver proves that it is alive: it writes the key of the lock
 * once more before it counts as the holder. If this proof does not come in time, the next contender takes the lock;
 * Consul refuses that if the proof has been written by then.
 *
 * The first three contenders watch the key of the lock: if the first is dead, the second or third takes the free lock.
 * Every other contender watches the entry three places ahead of its own, so that a hand-over wakes four contenders,
 * however many wait. After each wake-up, a contender reads the state again unless the answer already contains all that
 * it needs. Consul refuses every write if the state has changed since it was read.
 */
class QueuedContender {
  readonly #options: QueuedContenderOptions
  readonly #others = new OtherTurns()
  #stuck: Stuck | undefined

  constructor(options: QueuedContenderOptions) {
    this.#options = options
  }

  /** Reads the state, acts on it, and waits for a change. */
  async step(): Promise<Step> {
    const {mutex, session, now, signal, isOnce, entryKey} = this.#options
    const sentAtMs = now()
    const {lock, queue} = await mutex.read({signal})
    mutex.checkKind(lock)
    this.#others.note(lock, queue[0]?.session)
    if (lock?.session === session.id) {
      return isUnproven(lock.value) ? this.#prove(lock) : mutex.grant(session.id, {index: lock.modifyIndex, sentAtMs})
    }
    const ownAt = queue.findIndex(entry => entry.session === session.id)
    const place = ownAt < 0 ? queue.length : ownAt
    const stranger = queue.slice(0, place).find(({record}) => record === undefined)
    if (stranger) return this.#leave({reason: 'version', session: stranger.session}, ownAt >= 0)
    if (place === 0 && lock?.session === undefined && !isOfferedKey(lock)) {
      return this.#take(lock, ownAt < 0 ? [] : [leaveQueue(entryKey)])
    }
    this.#sayHeld(lock, place)
    if (isOnce) return undefined
    return ownAt < 0 ? this.#enter() : this.#wait({lock, queue}, place)
  }

  async #wait({lock, queue}: MutexState, place: number): Promise<Step> {
    if (lock?.session === undefined) return this.#awaitTurn(lock, queue, place)
    if (isUnproven(lock.value)) return this.#awaitProof(lock as Held, place)
    const ahead = queue[place - followers]
    if (!ahead) return this.#followLock(lock as Held, place)
    for (let waits = 0; waits < waitsWithoutRead; waits += 1) {
      const entry = await this.#changeOf(ahead, waiterWaitMs)
      if (entry?.modifyIndex !== ahead.modifyIndex) break
    }
    return 'again'
  }

  /** Follows the key of the lock while the session that holds the lock is alive. */
  async #followLock(known: Held, place: number): Promise<Step> {
    const {session, mutex, entryKey} = this.#options
    for (let lock = known; ; ) {
      this.#sayHeld(lock, place)
      const {entry, taken} = await this.#changeOrTake(lock, place)
      if (taken !== undefined) return typeof taken === 'object' ? taken : 'again'
      if (!entry || entry.modifyIndex === lock.modifyIndex) return 'again'
      mutex.checkKind(entry)
      if (entry.session === undefined) {
        return place === 0 && !isOfferedKey(entry) ? this.#take(entry, [leaveQueue(entryKey)]) : 'again'
      }
      // Unless the key is marked as handed over, only a consistent read proves that this session holds the lock.
      if (entry.session === session.id) return isUnproven(entry.value) ? this.#prove(entry) : 'again'
      lock = entry as Held
      // The session that received the lock was ahead of this contender, which has therefore moved up by one place.
      if (isUnproven(lock.value)) return this.#awaitProof(lock, Math.max(0, place - 1))
    }
  }

  /**
   * Waits for a change of the key. The first contender in the queue prepares its transaction meanwhile, and waits for
   * its outcome if the change caused it to be sent.
   */
  async #changeOrTake(
    lock: Held,
    place: number,
  ): Promise<{readonly entry?: KvEntry | undefined; readonly taken?: Grant | Refusal | undefined}> {
    using prepared = place === 0 ? new PreparedTake(this.#options) : undefined
    try {
      const entry = await this.#changeOf(lock, waiterWaitMs, prepared?.see)
      this.#others.note(entry)
      const isHanded = entry?.session === this.#options.session.id
      return {entry, taken: await prepared?.outcome(isHanded ? owedTurnsOf(entry.value) : this.#others.owedTurns)}
    } catch (error) {
      const taken = await prepared?.outcome(0)
      if (typeof taken !== 'object') throw error
      return {taken}
    }
  }

  /** Gives the session to which the lock was handed a moment to prove that it is alive, then takes the lock from it. */
  async #awaitProof(lock: Held, place: number): Promise<Step> {
    const {mutex, session, signal, tell, entryKey} = this.#options
    const {sinceMs} = this.#since(`handed ${lock.modifyIndex}`)
    const leftMs = sinceMs + patienceMs * (place + 1) - this.#options.now()
    if (leftMs > 0) {
      const entry = await this.#changeOf(lock, leftMs)
      const isProven = entry?.session === lock.session && !isUnproven(entry.value)
      return isProven && place < followers ? this.#followLock(entry as Held, place) : 'again'
    }
    const next = {...toContender(this.#options), entryKey}
    const owedTurns = owedTurnsOf(lock.value)
    const attempt = await mutex.take(session.id, passOver(mutex.key, lock, next), {signal, owedTurns})
    if (typeof attempt !== 'object') return 'again'
    tell({type: 'queue.passed-over', session: lock.session, reason: 'unproven'})
    return attempt
  }

  /**
   * Gives the contenders ahead of this one, and those to which the lock is offered, a moment to acquire the free lock,
   * then acquires it for this contender.
   */
  async #awaitTurn(lock: KvEntry | undefined, queue: readonly QueueEntry[], place: number): Promise<Step> {
    const {mutex, session, signal, tell, now, entryKey} = this.#options
    // As long as the first contender is the same, no contender has taken the lock in the meantime.
    const state = `free ${lock?.modifyIndex} ${queue[0]?.session}`
    const {sinceMs, isOpen} = this.#since(state)
    const isLockOffered = isOfferedKey(lock)
    const leftMs = sinceMs + patienceMs * (place + (isLockOffered ? 1 : 0)) - now()
    if (leftMs > 0) {
      // The entry of the first contender is deleted when that contender takes the lock.
      await this.#changeOf(lock ?? queue[0], leftMs)
      return 'again'
    }
    // While a lock-delay runs, the first contender cannot take the lock either, so it does not count as dead.
    if (!isOpen) {
      const answer = await mutex.take(session.id, probeLockDelay(mutex.key, toContender(this.#options)), {signal})
      const isDelayed = answer === 'lock-delay'
      this.#stuck = {state, sinceMs: now() + (isDelayed ? delayPollMs * place : 0), isOpen: !isDelayed}
      if (isDelayed) this.#options.waiting({type: 'lock.waiting', reason: 'lock-delay'})
      return 'again'
    }
    // The entries of dead contenders are deleted, so that no contender waits for them again. A contender that
    // is alive after all creates its entry again.
    const idle = queue.slice(0, Math.min(place, mostPassedOver))
    const owedTurns = isLockOffered ? turnsAfterOffer : undefined
    const grant = await this.#take(lock, [entryKey, ...idle.map(entry => entry.key)].map(leaveQueue), owedTurns)
    if (typeof grant === 'object') {
      for (const one of idle) tell({type: 'queue.passed-over', session: one.session, reason: 'idle'})
    }
    return grant
  }

  /** Acquires the free lock and, in the same write, deletes the queue entries that `leaving` names. */
  async #take(
    lock: KvEntry | undefined,
    leaving: readonly KvOperation[],
    owedTurns = this.#others.owedTurns,
  ): Promise<Step> {
    const {mutex, isOnce} = this.#options
    const operations = takeMutex(mutex.key, lock, toContender(this.#options))
    const taken = await takeFree(this.#options, [...operations, ...leaving], owedTurns)
    if (typeof taken === 'object') return taken
    return taken === 'lock-delay' && isOnce ? undefined : 'again'
  }

  async #prove(lock: KvEntry): Promise<Step> {
    const {mutex, session, signal} = this.#options
    const owedTurns = owedTurnsOf(lock.value)
    const operations = proveReceipt(mutex.key, lock, toContender(this.#options))
    const proof = await mutex.take(session.id, operations, {signal, owedTurns})
    return typeof proof === 'object' ? proof : 'again'
  }

  async #enter(): Promise<Step> {
    const {mutex, session, signal, entryKey, entering} = this.#options
    entering()
    const result = await mutex.commit(enterQueue(entryKey, toContender(this.#options)), signal)
    if (result.committed) return 'again'
    try {
      toRefusal(result.errors, session.id, entryKey)
    } catch (error) {
      if (!isBatonError(error, 'BATON_ACL_DENIED')) throw error
      return this.#leave({reason: 'denied', error}, false)
    }
    return 'again'
  }

  async #leave(
    why: {reason: 'version'; session: SessionId} | {reason: 'denied'; error: unknown},
    isQueued: boolean,
  ): Promise<Step> {
    const {mutex, signal, entryKey, tell} = this.#options
    if (isQueued) await mutex.commit([leaveQueue(entryKey)], signal)
    tell({type: 'queue.left', ...why})
    return 'left'
  }

  /** Resolves to the key when it has changed, or after `waitMs`. A missing key is not followed. */
  async #changeOf(
    known: Pick<KvEntry, 'key' | 'modifyIndex'> | undefined,
    waitMs: number,
    onFirstByte?: PreparedTake['see'],
  ): Promise<KvEntry | undefined> {
    const {client, signal} = this.#options
    if (!known) {
      await client.clock.sleep(waitMs, signal)
      return undefined
    }
    const index = known.modifyIndex as ConsulIndex
    const options = {index, waitMs: Math.ceil(waitMs), signal, ...(onFirstByte && {onFirstByte})}
    return (await client.kv.get(known.key, options)).value
  }

  #since(state: string): Stuck {
    if (this.#stuck?.state !== state) this.#stuck = {state, sinceMs: this.#options.now(), isOpen: false}
    return this.#stuck
  }

  #sayHeld(lock: KvEntry | undefined, place: number): void {
    const {waiting} = this.#options
    const position = place + 1
    if (lock?.session !== undefined) waiting({type: 'lock.waiting', reason: 'held', position, ...describeHolder(lock)})
    else waiting({type: 'lock.waiting', reason: 'queue', position})
  }
}

const isOfferedKey = (lock: KvEntry | undefined): boolean => lock !== undefined && isOffered(lock.value)
