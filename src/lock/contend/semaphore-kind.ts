import {mutexFlags, semaphoreFlags} from '../../core/consul-constants.js'
import {ConflictError, SessionLostError} from '../../core/errors.js'
import {kvKey, kvPrefix} from '../../core/query/topics.js'
import type {CallOptions, FencingToken, KvEntry, KvOperation, SessionId} from '../../core/types.js'
import type {Session} from '../../session/types.js'
import {lateAnswerMs} from '../defaults.js'
import {
  type ContendOptions,
  deletedContender,
  deletedKey,
  type Evidence,
  type Grant,
  type LockKind,
  type ReleaseOptions,
} from '../kind.js'
import type {SemaphoreOptions} from '../types.js'
import {joinKey} from '../wire/names.js'
import {toRefusal} from '../wire/refusal.js'
import {parseSemaphoreDocument, pruneHolders, type SemaphoreDocument} from '../wire/semaphore-document.js'
import {enterSemaphore, type IndexedDocument, leaveSemaphore, takeSlot} from '../wire/semaphore-operations.js'
import {contendLoop, untilAnswered} from './contend-loop.js'
import {KeyedKind} from './keyed-kind.js'

const outOfTurnMs = 300

/** The state of a semaphore, read from the keys under its prefix. */
interface SemaphoreState extends IndexedDocument {
  readonly contenders: readonly KvEntry[]
}

/**
 * Every contender owns a key `<prefix>/<session>`, and `.lock` names the holders. Each contender that writes
 * `.lock` removes holders whose key is gone. Slots are taken by compare-and-set, in the order in which the
 * keys of the contenders were created. A contender that is not next waits a moment and then tries anyway,
 * because earlier ones may be dead.
 */
export class SemaphoreKind extends KeyedKind<SemaphoreOptions> implements LockKind {
  readonly hasLockDelay = false
  /** Several contenders of one host may hold the semaphore at once, so they need not take turns. */
  readonly hasLocalLine = false

  async read(options: CallOptions = {}): Promise<SemaphoreState> {
    const {value} = await this.client.kv.list(this.#listPrefix(), {...options, consistency: 'consistent'})
    return this.#toState(value)
  }

  async contend(session: Session, options: ContendOptions): Promise<Grant | undefined> {
    await untilAnswered(this.client, options, () => this.#enter(session, options.signal))
    return contendLoop(this.client, {
      ...options,
      now: this.now,
      query: kvPrefix(this.client, this.#listPrefix()),
      judge: async (entries, sentAtMs) => {
        const state = this.#toState(entries)
        this.#checkEntered(session, state)
        this.#checkLimit(state)
        if (!state.document.holders.includes(session.id)) return this.#takeSlot(session, state, options)
        return this.#grant(session, {index: state.index, sentAtMs})
      },
    })
  }

  async withdraw(session: Session): Promise<void> {
    await this.client.kv.delete(this.#contenderKey(session.id), {timeoutMs: lateAnswerMs})
  }

  /** Returns no transactions, because a slot becomes free when its session ends. */
  lastWill(): readonly (readonly KvOperation[])[] {
    return []
  }

  #listPrefix(): string {
    return joinKey(this.options.prefix, 'x').slice(0, -1)
  }

  #contenderKey(session: SessionId): string {
    return joinKey(this.options.prefix, session)
  }

  async #enter(session: Session, signal: AbortSignal): Promise<void> {
    const key = this.#contenderKey(session.id)
    const operations = enterSemaphore(key, {session: session.id, record: this.ownRecord()})
    const result = await this.commit(operations, signal)
    if (!result.committed) toRefusal(result.errors, session.id, key)
  }

  /** Throws if the contender's key is gone, because its session has ended or the key was deleted. */
  #checkEntered(session: Session, state: SemaphoreState): void {
    const key = this.#contenderKey(session.id)
    if (state.contenders.some(entry => entry.key === key && entry.session === session.id)) return
    throw new SessionLostError(`session ${session.id}: its contender key is gone`, {details: {session: session.id}})
  }

  #toState(entries: readonly KvEntry[]): SemaphoreState {
    const {limit, prefix} = this.options
    const lock = entries.find(entry => entry.key === this.key)
    const contenders = entries.filter(entry => entry.key !== this.key && entry.session !== undefined)
    if (!lock) return {document: {limit, holders: []}, index: 0n, contenders}
    if (lock.flags !== semaphoreFlags) {
      const found = lock.flags === mutexFlags ? 'mutex' : 'other'
      const is = found === 'mutex' ? "is a mutex's" : 'was written by something else'
      throw new ConflictError('BATON_LOCK_KIND', `lock ${prefix}: ${this.key} ${is}`, {
        hint: found === 'mutex' ? 'leave `limit` out, or use another prefix' : 'use another prefix',
        details: {wanted: 'semaphore', found, key: this.key},
      })
    }
    const document = parseSemaphoreDocument(this.key, lock.value) ?? {limit, holders: []}
    return {document: pruneHolders(document, contenders), index: lock.modifyIndex, contenders}
  }

  #checkLimit({document}: SemaphoreState): void {
    const {limit, prefix} = this.options
    const held = document.holders.length
    if (document.limit === limit || held === 0) return
    throw new ConflictError(
      'BATON_LOCK_KIND',
      `lock ${prefix}: its limit is ${document.limit}, the requested limit is ${limit}, and ${held} of ${document.limit} slots are held`,
      {
        hint: `set \`limit: ${document.limit}\`, or wait until it has no holder, or use another prefix`,
        details: {wanted: 'semaphore', found: 'semaphore', key: this.key, limit: document.limit, ours: limit},
      },
    )
  }

  async #takeSlot(session: Session, state: SemaphoreState, options: ContendOptions): Promise<Grant | undefined> {
    const {document, contenders, index} = state
    // A value of `.lock` without holders is left over from a crash, so its limit may be replaced. Only one slot counts
    // as free, because an earlier contender may take it and keep the old limit.
    const isLeftOver = document.limit !== this.options.limit
    const free = isLeftOver ? 1 : document.limit - document.holders.length
    if (free <= 0) {
      options.waiting({
        type: 'lock.waiting',
        reason: 'held',
        holder: `${document.holders.length} of ${document.limit}`,
      })
      return undefined
    }
    if (!options.isOnce && this.#placeOf(session, document, contenders) >= free) {
      await this.client.clock.sleep(outOfTurnMs * (0.5 + this.client.random()), options.signal)
      const {index: newIndex} = await this.read({signal: options.signal})
      if (newIndex !== index) return undefined
    }
    options.signal.throwIfAborted()
    return this.#write(session, state, options.signal)
  }

  /** Number of earlier contenders that are still waiting. */
  #placeOf(session: Session, document: SemaphoreDocument, contenders: readonly KvEntry[]): number {
    const own = contenders.find(entry => entry.session === session.id)
    const waiting = contenders.filter(entry => entry.session && !document.holders.includes(entry.session))
    return waiting.filter(entry => own && entry.createIndex < own.createIndex).length
  }

  async #write(session: Session, state: SemaphoreState, signal: AbortSignal): Promise<Grant | undefined> {
    const {index} = state
    const document = {...state.document, limit: this.options.limit}
    const {key} = this
    const sentAtMs = this.now()
    const operations = takeSlot(key, {document, index}, session.id)
    const result = await this.commit(operations, signal)
    if (result.committed) return this.#grant(session, {index: result.entries[0]?.modifyIndex ?? 0n, sentAtMs})
    toRefusal(result.errors, session.id, key)
    return undefined
  }

  #grant(session: Session, at: {readonly index: bigint; readonly sentAtMs: number}): Grant {
    return {
      token: at.index as FencingToken,
      sentAtMs: at.sentAtMs,
      evidence: [this.#documentEvidence(session, at.index), this.#contenderEvidence(session)],
      release: options => this.#release(session, options),
    }
  }

  #documentEvidence(session: Session, index: bigint): Evidence {
    return {
      query: kvKey(this.client, this.key),
      index,
      judge: entry => {
        if (!entry) return deletedKey
        try {
          const document = parseSemaphoreDocument(this.key, entry.value)
          return document?.holders.includes(session.id) === true
            ? undefined
            : 'its document no longer names this session'
        } catch {
          return 'its key was overwritten'
        }
      },
    }
  }

  #contenderEvidence(session: Session): Evidence {
    return {
      query: kvKey(this.client, this.#contenderKey(session.id)),
      index: undefined,
      judge: entry => (entry?.session === session.id ? undefined : deletedContender),
    }
  }

  async #release(session: Session, {alongside = [], ...options}: ReleaseOptions): Promise<'released' | 'lost'> {
    const {key} = this
    const own = this.#contenderKey(session.id)
    for (;;) {
      const state = await this.read(options)
      const operations = leaveSemaphore(key, state, {key: own, session: session.id})
      const result = await this.client.txn.commit([...operations, ...alongside], options)
      if (result.committed) return state.document.holders.includes(session.id) ? 'released' : 'lost'
      toRefusal(result.errors, session.id, key)
    }
  }
}
