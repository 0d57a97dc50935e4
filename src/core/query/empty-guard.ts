import {messageOf} from '../errors.js'
import {answerTimeoutMs} from '../http/caller.js'
import {Backoff} from '../time/backoff.js'
import type {Snapshot} from '../types.js'
import {toEntries} from './diff.js'
import {readOnce} from './read-once.js'
import type {BlockingQuery, QueryContext, ViewStatus} from './types.js'

/** With a confirmation that nobody answers, still shorter than what anybody would call silence. */
const longestPauseMs = 50_000

export type HeldReason = Extract<ViewStatus, {state: 'held'}>['reason']

export interface EmptyGuardOptions {
  readonly signal: AbortSignal
  /** Asks for leave to send one request. */
  readonly pace: () => Promise<void>
  readonly onHeld: (reason: HeldReason) => void
}

/**
 * Believes an empty answer only when it must be true: data was lost more than once because a missing right, a lost
 * leader or a fresh follower look just like an empty list. An answer that empties what was known is confirmed by a read
 * that the leader proves to be current. Without a known leader, or with rights missing, it is never believed. Answers
 * that do not say whether there is a leader (the streaming backend's) go straight to the confirmation.
 */
export class EmptyGuard<T> {
  readonly #query: BlockingQuery<T>
  readonly #context: QueryContext

  constructor(query: BlockingQuery<T>, context: QueryContext) {
    this.#query = query
    this.#context = context
  }

  /** Resolves with an answer that can be believed; rejects with the signal's reason. `knownCount` undefined: nothing known yet. */
  async believe(answer: Snapshot<T>, knownCount: number | undefined, options: EmptyGuardOptions): Promise<Snapshot<T>> {
    const doubt = this.doubt(answer, this.#count(answer), knownCount)
    return doubt ? await this.confirm(doubt, knownCount, options) : answer
  }

  /** Why an answer with so many items is not believed as it is. */
  doubt(answer: Snapshot<T>, count: number, knownCount: number | undefined): HeldReason | undefined {
    if (count > 0 || !this.#query.guardEmpty) return undefined
    if (answer.knownLeader === false) return 'no-leader'
    if (knownCount === undefined || knownCount === 0) return undefined
    return answer.filteredByAcls ? 'filtered' : 'empty'
  }

  /** Resolves with an answer that can be believed in place of the doubtful one; rejects with the signal's reason. */
  async confirm(doubt: HeldReason, knownCount: number | undefined, options: EmptyGuardOptions): Promise<Snapshot<T>> {
    const {clock, random, logger} = this.#context
    const backoff = new Backoff({minMs: 1000, maxMs: longestPauseMs, random})
    let reason = doubt
    let isDelayed = reason !== 'empty'
    for (;;) {
      if (isDelayed) {
        options.onHeld(reason)
        await clock.sleep(backoff.next(), options.signal)
      }
      isDelayed = true
      await options.pace()
      try {
        const answer = await readOnce(this.#query, this.#context, {
          signal: options.signal,
          timeoutMs: this.#query.answerTimeoutMs ?? answerTimeoutMs,
          consistency: 'consistent',
        })
        const still = this.doubt(answer, this.#count(answer), knownCount)
        // Only the reasons that the leader's own word does not remove are left.
        if (still === undefined || still === 'empty') return answer
        reason = still
      } catch (error) {
        options.signal.throwIfAborted()
        logger.debug({query: this.#query.id, err: messageOf(error)}, 'empty answer not confirmed')
      }
    }
  }

  #count(answer: Snapshot<T>): number {
    return toEntries(this.#query.entries(answer.value)).size
  }
}
