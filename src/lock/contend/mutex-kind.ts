import {mutexFlags, semaphoreFlags} from '../../core/consul-constants.js'
import {ConflictError, isTransient} from '../../core/errors.js'
import {kvKey} from '../../core/query/topics.js'
import type {FencingToken, KvEntry, KvOperation, SessionId} from '../../core/types.js'
import type {Session} from '../../session/types.js'
import {type ContendOptions, deletedKey, type Grant, type LockKind} from '../kind.js'
import type {LockOptions} from '../types.js'
import {describeHolder} from '../wire/holder-record.js'
import {releaseMutex, takeMutex} from '../wire/mutex-operations.js'
import {type Refusal, toRefusal} from '../wire/refusal.js'
import {attemptPause, contendLoop} from './contend-loop.js'
import {KeyedKind} from './keyed-kind.js'

/**
 * Acquires `.lock` by one transaction that checks the known state of the key and locks it. So a key of another kind is
 * never overwritten, and the answer contains the fencing token. After a refusal the key is read. If it is held, the
 * contender waits for a change. If it is free, the contender tries again. If it is free and Consul refuses it, a
 * lock-delay runs: the contender repeats the attempt, which Consul refuses without a write.
 */
export class MutexKind extends KeyedKind<LockOptions> implements LockKind {
  readonly hasLockDelay = true
  readonly hasLocalLine = true

  async contend(session: Session, options: ContendOptions): Promise<Grant | undefined> {
    const first = await this.#take(session, undefined, options.signal).catch((error: unknown) => {
      if (!isTransient(error)) throw error
    })
    if (typeof first === 'object') return first
    return contendLoop(this.client, {
      ...options,
      now: this.now,
      query: kvKey(this.client, this.key),
      judge: async (entry, sentAtMs) => {
        this.#checkKind(entry)
        if (entry?.session === session.id) return this.#grant(session, entry.modifyIndex, sentAtMs)
        if (entry?.session === undefined) return this.#takeFree(session, entry, options)
        options.waiting({type: 'lock.waiting', reason: 'held', ...describeHolder(entry)})
        return undefined
      },
    })
  }

  async withdraw(): Promise<void> {}

  lastWill(session: SessionId): readonly KvOperation[] {
    return releaseMutex(this.key, session)
  }

  /** Acquires a key that was free when it was read. Resolves to undefined if another contender was faster, and with `isOnce` also if a lock-delay runs. */
  async #takeFree(session: Session, entry: KvEntry | undefined, options: ContendOptions): Promise<Grant | undefined> {
    for (let probes = 0; ; probes += 1) {
      const attempt = await this.#take(session, entry, options.signal)
      if (typeof attempt === 'object') return attempt
      if (attempt !== 'lock-delay') return undefined
      if (probes === 0) options.waiting({type: 'lock.waiting', reason: 'lock-delay'})
      if (options.isOnce) return undefined
      await attemptPause(this.client, options.signal)
    }
  }

  /** Makes one attempt: locks the key if it is still in the state of `entry`. */
  async #take(session: Session, entry: KvEntry | undefined, signal: AbortSignal): Promise<Grant | Refusal> {
    signal.throwIfAborted()
    const {key} = this
    const sentAtMs = this.now()
    const operations = takeMutex(key, entry, {session: session.id, record: this.ownRecord()})
    const result = await this.commit(operations, signal)
    if (!result.committed) return toRefusal(result.errors, session.id, key)
    const written = result.entries.find(one => one.key === key && one.session === session.id)
    return this.#grant(session, written?.modifyIndex ?? 0n, sentAtMs)
  }

  #checkKind(entry: KvEntry | undefined): void {
    if (!entry || entry.flags === mutexFlags) return
    const found = entry.flags === semaphoreFlags ? 'semaphore' : 'other'
    const is = found === 'semaphore' ? "is a semaphore's" : 'was written by something else'
    throw new ConflictError('BATON_LOCK_KIND', `lock ${this.options.prefix}: ${this.key} ${is}`, {
      hint:
        found === 'semaphore'
          ? 'set `limit` to that of the semaphore, or use another prefix'
          : 'use another prefix, or remove the key if nothing needs it',
      details: {wanted: 'mutex', found, key: this.key},
    })
  }

  #grant(session: Session, index: bigint, sentAtMs: number): Grant {
    return {
      token: index as FencingToken,
      sentAtMs,
      evidence: [
        {
          query: kvKey(this.client, this.key),
          index,
          judge: entry => {
            if (!entry) return deletedKey
            if (entry.session === undefined) return 'another client released it'
            return entry.session === session.id ? undefined : `session ${entry.session} holds it`
          },
        },
      ],
      release: options => this.#release(session, options),
    }
  }

  async #release(session: Session, options: Parameters<Grant['release']>[0]): Promise<'released' | 'lost'> {
    const {key} = this
    const result = await this.client.txn.commit(releaseMutex(key, session.id), options)
    if (result.committed) return 'released'
    toRefusal(result.errors, session.id, key)
    return 'lost'
  }
}
