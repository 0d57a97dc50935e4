import {lateSignal} from '../../core/cancel/late-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {isBatonError} from '../../core/errors.js'
import type {ConsulIndex, FencingToken, KvEntry, KvOperation, SessionId, TxnResult} from '../../core/types.js'
import {bootTimeOf} from '../../session/session.js'
import type {Session} from '../../session/types.js'
import {lateAnswerMs} from '../defaults.js'
import type {ContendOptions, Evidence, Grant, LockKind, ReleaseOptions} from '../kind.js'
import type {LockOptions} from '../types.js'
import {describeHolder, encodeHolderRecord, ownRecord} from '../wire/holder-record.js'
import {releaseMutex, takeMutex} from '../wire/mutex-operations.js'
import {lockKey} from '../wire/names.js'
import {refused, toRefusal} from '../wire/refusal.js'
import {attemptPause, untilDecided, waiterWaitMs} from './contend-loop.js'
import {type JointKey, releaseJointly} from './joint-release.js'
import {MutexKey} from './mutex-key.js'

/**
 * Several mutexes that are acquired in one transaction, and released in one. While one of them is held elsewhere, this
 * contender holds none of the others, so contenders cannot wait for each other in a circle. It has no entry in the
 * queues of the mutexes: it acquires them when it finds all of them free. When it releases them, it hands each one to
 * the first contender in that mutex's queue.
 */
export class JointKind implements LockKind {
  readonly keys: readonly [string, ...string[]]
  readonly hasLockDelay = true
  readonly hasLocalLine = false
  readonly #client: ConsulClient
  readonly #options: LockOptions
  readonly #now: () => number
  readonly #all: readonly JointKey[]

  constructor(client: ConsulClient, options: LockOptions) {
    const {prefix, also = []} = options
    this.#client = client
    this.#options = options
    this.#now = options.now ?? bootTimeOf(client)
    this.keys = [lockKey(prefix), ...also.map(lockKey)]
    const release: JointKind['release'] = (session, releaseOptions) => this.release(session, releaseOptions)
    this.#all = [prefix, ...also]
      .map(one => ({
        prefix: one,
        mutex: new MutexKey(client, {prefix: one, key: lockKey(one), now: this.#now, release}),
      }))
      .sort((one, other) => (one.mutex.key < other.mutex.key ? -1 : 1))
  }

  contend(session: Session, options: ContendOptions): Promise<Grant | undefined> {
    return untilDecided(this.#client, options, () => this.#step(session, options))
  }

  withdraw(): Promise<void> {
    return Promise.resolve()
  }

  /** One transaction for each key, so that a key that was lost does not keep the others from being released. */
  lastWill(session: SessionId): readonly (readonly KvOperation[])[] {
    return this.#all.map(({mutex}) => releaseMutex(mutex.key, session))
  }

  async release(session: SessionId, options: ReleaseOptions): Promise<'released' | 'lost'> {
    const {observer, fair} = this.#options
    const all = {client: this.#client, session, keys: this.#all, handsOver: fair !== 'off'}
    const tell = (event: Parameters<NonNullable<typeof observer>>[0]): void => observer?.(event)
    try {
      return await releaseJointly({...all, tell}, options)
    } catch (error) {
      const {alongside = [], ...call} = options
      if (alongside.length === 0 || !isBatonError(error, 'BATON_ACL_DENIED')) throw error
      const outcome = await releaseJointly({...all, tell}, call)
      tell({type: 'run.unrecorded', error})
      return outcome
    }
  }

  /** Reads all keys, and acquires them if all are free. Otherwise waits until one that is held changes. */
  async #step(session: Session, options: ContendOptions): Promise<Grant | 'again' | undefined> {
    const {signal, isOnce, waiting} = options
    const sentAtMs = this.#now()
    const found = await this.#read(signal)
    const held = found.find(entry => entry?.session !== undefined && entry.session !== session.id)
    if (held) {
      const {holder, ...since} = describeHolder(held)
      const where = held.key === this.keys[0] ? '' : ` (${held.key})`
      waiting({type: 'lock.waiting', reason: 'held', holder: `${holder}${where}`, ...since})
      if (isOnce) return undefined
      const index = held.modifyIndex as ConsulIndex
      await this.#client.kv.get(held.key, {index, waitMs: waiterWaitMs, signal})
      return 'again'
    }
    // The answer to an earlier attempt was lost, but the attempt was applied.
    const own = found.filter(entry => entry?.session === session.id)
    if (own.length === found.length) return this.#grant(session.id, {index: own[0]?.modifyIndex ?? 0n, sentAtMs})
    return this.#take(session, found, options)
  }

  async #take(
    session: Session,
    found: readonly (KvEntry | undefined)[],
    {signal, isOnce, waiting}: ContendOptions,
  ): Promise<Grant | 'again' | undefined> {
    const sentAtMs = this.#now()
    const holder = {session: session.id, record: encodeHolderRecord(ownRecord(this.#client, this.#options))}
    const operations = this.#all.map(({mutex}, at) => takeMutex(mutex.key, found[at], holder))
    const result = await this.#commit(operations.flat(), signal)
    if (result.committed) {
      const written = result.entries.find(one => one.session === session.id)
      return this.#grant(session.id, {index: written?.modifyIndex ?? 0n, sentAtMs})
    }
    const key = operations.flat()[result.errors[0]?.opIndex ?? 0]?.key ?? this.keys[0]
    const refusal = toRefusal(result.errors, session.id, key)
    if (refusal === 'lock-delay') waiting({type: 'lock.waiting', reason: 'lock-delay'})
    if (isOnce) return undefined
    if (refusal === 'lock-delay') await attemptPause(this.#client, signal)
    return 'again'
  }

  /** Sends a transaction. If the signal aborts after that, still waits briefly for the answer. */
  async #commit(operations: readonly KvOperation[], signal: AbortSignal): Promise<TxnResult> {
    signal.throwIfAborted()
    using late = lateSignal(signal, {lateMs: lateAnswerMs, clock: this.#client.clock})
    return await this.#client.txn.commit(operations, {signal: late.signal})
  }

  async #read(signal: AbortSignal): Promise<readonly (KvEntry | undefined)[]> {
    const operations = this.#all.map(({mutex}) => ({verb: 'get-tree', key: mutex.key}) as const)
    const result = await this.#client.txn.commit(operations, {consistency: 'consistent', signal})
    if (!result.committed) throw refused(result.errors, this.keys[0])
    return this.#all.map(({mutex}) => {
      const entry = result.entries.find(({key}) => key === mutex.key)
      mutex.checkKind(entry)
      return entry
    })
  }

  /** All keys were written by one transaction, so that one fencing token counts for each of them. */
  #grant(session: SessionId, facts: {readonly index: bigint; readonly sentAtMs: number}): Grant {
    const evidence = this.#all.map(({mutex}) => named(mutex.grant(session, facts).evidence[0], mutex.key))
    return {
      token: facts.index as FencingToken,
      sentAtMs: facts.sentAtMs,
      evidence: evidence as [Evidence, ...Evidence[]],
      release: options => this.release(session, options),
    }
  }
}

/** Names the key in the reason for a loss. */
const named = (evidence: Evidence, key: string): Evidence => ({
  ...evidence,
  judge: entry => {
    const why = evidence.judge(entry)
    return why === undefined ? undefined : `${key}: ${why}`
  },
})
