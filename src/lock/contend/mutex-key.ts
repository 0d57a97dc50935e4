import {lateSignal} from '../../core/cancel/late-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {mutexFlags, semaphoreFlags} from '../../core/consul-constants.js'
import {ConflictError} from '../../core/errors.js'
import {kvKey} from '../../core/query/topics.js'
import type {CallOptions, FencingToken, KvEntry, KvOperation, SessionId, TxnResult} from '../../core/types.js'
import {lateAnswerMs} from '../defaults.js'
import {deletedKey, type Grant, type ReleaseOptions} from '../kind.js'
import {releaseMutex} from '../wire/mutex-operations.js'
import {type QueueEntry, queuePrefix, toQueue} from '../wire/queue-entry.js'
import {type Refusal, refused, toRefusal} from '../wire/refusal.js'

/** The state of a mutex: its key and its queue, from the same read. */
export interface MutexState {
  /** The key of the lock; undefined if it does not exist. */
  readonly lock: KvEntry | undefined
  readonly queue: readonly QueueEntry[]
}

export interface MutexKeyOptions {
  readonly prefix: string
  readonly key: string
  /** Returns the time since boot in milliseconds. */
  readonly now: () => number
  /** Makes one attempt to release the lock. */
  readonly release: (
    session: SessionId,
    options: ReleaseOptions,
    succession: Succession,
  ) => Promise<'released' | 'lost'>
}

export const noSuccession: Succession = {queue: [], owedTurns: 0}

/** What a holder knows from its grant about those that come after it. */
export interface Succession {
  /** The queue as it was when the lock was granted, or empty. */
  readonly queue: readonly QueueEntry[]
  /** Number of turns that the contenders in the queue have after this hold, before the lock is offered to others. */
  readonly owedTurns: number
}

/**
 * Reads and writes the key of a mutex, both for contenders in the queue and for those that contend as `consul lock`
 * does.
 */
export class MutexKey {
  readonly key: string
  readonly #client: ConsulClient
  readonly #options: MutexKeyOptions

  constructor(client: ConsulClient, options: MutexKeyOptions) {
    this.#client = client
    this.#options = options
    this.key = options.key
  }

  /** Reads the key and the queue in one transaction. The read is consistent unless another consistency is given. */
  async read(options: CallOptions & {readonly consistency?: 'default'} = {}): Promise<MutexState> {
    const {key} = this
    const entryPrefix = queuePrefix(this.#options.prefix)
    // `get-tree` succeeds even if there is no key, whereas `get` of a missing key makes Consul refuse the transaction.
    const operations: readonly KvOperation[] = [
      {verb: 'get-tree', key},
      {verb: 'get-tree', key: entryPrefix},
    ]
    const result = await this.#client.txn.commit(operations, {consistency: 'consistent', ...options})
    if (!result.committed) throw refused(result.errors, key)
    const lock = result.entries.find(entry => entry.key === key)
    return {lock, queue: toQueue(result.entries.filter(entry => entry.key.startsWith(entryPrefix)))}
  }

  /**
   * Makes one attempt to acquire the key, and reads the queue in the same transaction, so that the holder knows to
   * which contender it will hand the lock. If the signal aborts after the request was sent, the method still waits a
   * moment for the answer.
   */
  async take(
    session: SessionId,
    operations: readonly KvOperation[],
    options: {readonly signal: AbortSignal; readonly owedTurns?: number},
  ): Promise<Grant | Refusal> {
    const sentAtMs = this.#options.now()
    const result = await this.commit([...operations, this.readQueue], options.signal)
    return this.judge(result, session, {...options, sentAtMs})
  }

  /** The operation that reads the queue. */
  get readQueue(): KvOperation {
    return {verb: 'get-tree', key: queuePrefix(this.#options.prefix)}
  }

  /** Returns the grant, or why Consul refused a transaction that acquires the key and reads the queue. */
  judge(
    result: TxnResult,
    session: SessionId,
    {sentAtMs, owedTurns = 0}: {readonly sentAtMs: number; readonly owedTurns?: number},
  ): Grant | Refusal {
    if (!result.committed) return toRefusal(result.errors, session, this.key)
    const {entries} = result
    const entryPrefix = queuePrefix(this.#options.prefix)
    const written = entries.findLast(one => one.key === this.key && one.session === session)
    const queue = toQueue(entries.filter(one => one.key.startsWith(entryPrefix)))
    return this.grant(session, {index: written?.modifyIndex ?? 0n, sentAtMs, succession: {queue, owedTurns}})
  }

  async commit(operations: readonly KvOperation[], signal: AbortSignal): Promise<TxnResult> {
    signal.throwIfAborted()
    using late = lateSignal(signal, {lateMs: lateAnswerMs, clock: this.#client.clock})
    return await this.#client.txn.commit(operations, {signal: late.signal})
  }

  /** Returns the grant for a session that holds the key. The request that showed this was sent at `sentAtMs`. */
  grant(
    session: SessionId,
    facts: {readonly index: bigint; readonly sentAtMs: number; readonly succession?: Succession},
  ): Grant {
    const {index, sentAtMs, succession = noSuccession} = facts
    return {
      token: index as FencingToken,
      sentAtMs,
      evidence: [
        {
          query: kvKey(this.#client, this.key),
          index,
          judge: entry => {
            if (!entry) return deletedKey
            if (entry.session === undefined) return 'another client released it'
            return entry.session === session ? undefined : `session ${entry.session} holds it`
          },
        },
      ],
      release: options => this.#options.release(session, options, succession),
    }
  }

  /** Releases the key as `consul lock` does: any contender may then take it. */
  async releasePlainly(session: SessionId, {alongside = [], ...call}: ReleaseOptions): Promise<'released' | 'lost'> {
    const result = await this.#client.txn.commit([...releaseMutex(this.key, session), ...alongside], call)
    if (result.committed) return 'released'
    toRefusal(result.errors, session, this.key)
    return 'lost'
  }

  /** Throws a ConflictError if another kind of lock uses the key. */
  checkKind(entry: KvEntry | undefined): void {
    if (!entry || entry.flags === mutexFlags) return
    const found = entry.flags === semaphoreFlags ? 'semaphore' : 'other'
    const is = found === 'semaphore' ? "is a semaphore's" : 'was written by something else'
    throw new ConflictError('BATON_LOCK_KIND', `lock ${this.#options.prefix}: ${this.key} ${is}`, {
      hint:
        found === 'semaphore'
          ? 'set `limit` to that of the semaphore, or use another prefix'
          : 'use another prefix, or remove the key if nothing needs it',
      details: {wanted: 'mutex', found, key: this.key},
    })
  }
}
