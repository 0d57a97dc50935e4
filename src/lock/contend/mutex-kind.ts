import type {ConsulClient} from '../../core/client.js'
import {isBatonError} from '../../core/errors.js'
import type {KvOperation, SessionId} from '../../core/types.js'
import type {Session} from '../../session/types.js'
import {lateAnswerMs} from '../defaults.js'
import type {ContendOptions, Grant, LockKind, ReleaseOptions} from '../kind.js'
import type {LockOptions, QueueEvent} from '../types.js'
import {ownRecord} from '../wire/holder-record.js'
import {leaveQueue, releaseMutex} from '../wire/mutex-operations.js'
import {queueKey} from '../wire/queue-entry.js'
import {handOverOrRelease} from './hand-over.js'
import {KeyedKind} from './keyed-kind.js'
import {MutexKey, noSuccession, type Succession} from './mutex-key.js'
import {contendPlainly} from './plain-contender.js'
import {contendInQueue} from './queued-contender.js'

/**
 * A transaction locks the key `.lock` only if the key is unchanged since it was read, so that the key of another kind
 * of lock is never overwritten. The answer to the transaction contains the fencing token. The contenders form a queue
 * unless `fair` is `off`.
 */
export class MutexKind extends KeyedKind<LockOptions> implements LockKind {
  readonly hasLockDelay = true
  readonly hasLocalLine: boolean = true
  readonly #mutex: MutexKey
  /** Sessions that may have an entry in the queue. */
  readonly #queued = new Set<SessionId>()

  constructor(client: ConsulClient, options: LockOptions) {
    super(client, options)
    const {key, now} = this
    this.#mutex = new MutexKey(client, {
      prefix: options.prefix,
      key,
      now,
      release: (session, releaseOptions, succession) => this.#release(session, releaseOptions, succession),
    })
  }

  async contend(session: Session, options: ContendOptions): Promise<Grant | undefined> {
    const {client, now} = this
    const {prefix, observer} = this.options
    const contender = {...options, client, now, session, mutex: this.#mutex, record: this.ownRecord()}
    if (!this.#isQueued) return contendPlainly(contender)
    const entryKey = queueKey(prefix, session.id)
    const outcome = await contendInQueue({
      ...contender,
      entryKey,
      entering: () => this.#queued.add(session.id),
      tell: event => observer?.(event),
    })
    if (outcome !== 'left') {
      if (outcome) this.#queued.delete(session.id)
      return outcome
    }
    this.#queued.delete(session.id)
    return contendPlainly(contender)
  }

  /**
   * Deletes the queue entry before the session ends. Releases the lock if it was handed to the session in the meantime.
   */
  async withdraw(session: Session): Promise<void> {
    if (!this.#queued.delete(session.id) || session.signal.aborted) return
    const key = queueKey(this.options.prefix, session.id)
    const limits = {timeoutMs: lateAnswerMs}
    const operations: readonly KvOperation[] = [{verb: 'check-session', key, session: session.id}, leaveQueue(key)]
    const {committed} = await this.client.txn.commit(operations, limits)
    if (!committed) await this.#release(session.id, limits)
  }

  lastWill(session: SessionId): readonly (readonly KvOperation[])[] {
    const release = releaseMutex(this.key, session)
    // The queue entry is deleted first, so that no holder can hand the lock to this session any more.
    return this.#isQueued ? [[leaveQueue(queueKey(this.options.prefix, session))], release] : [release]
  }

  get #isQueued(): boolean {
    return this.options.fair !== 'off'
  }

  async #release(
    session: SessionId,
    options: ReleaseOptions,
    succession: Succession = noSuccession,
  ): Promise<'released' | 'lost'> {
    const {alongside = [], ...call} = options
    try {
      return await this.#handOver(session, options, succession)
    } catch (error) {
      if (alongside.length === 0 || !isBatonError(error, 'BATON_ACL_DENIED')) throw error
      const outcome = await this.#handOver(session, call, succession)
      this.options.observer?.({type: 'run.unrecorded', error})
      return outcome
    }
  }

  #handOver(session: SessionId, options: ReleaseOptions, succession: Succession): Promise<'released' | 'lost'> {
    const {client} = this
    const {prefix, fair, observer} = this.options
    if (!this.#isQueued) return this.#mutex.releasePlainly(session, options)
    const tell = (event: QueueEvent): void => observer?.(event)
    const shared = fair === 'share' ? {prefix, record: ownRecord(client, this.options)} : undefined
    return handOverOrRelease({client, mutex: this.#mutex, session, ...succession, shared, tell}, options)
  }
}
