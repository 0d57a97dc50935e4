import {isBatonError, isTransient, messageOf} from '../errors.js'
import {answerTimeoutMs} from '../http/caller.js'
import {Backoff} from '../time/backoff.js'
import type {Snapshot} from '../types.js'
import {goneKeys, hasGone} from './diff.js'
import {type Entries, toEntries} from './entries.js'
import {readOnce, readWithin} from './read-once.js'
import type {BlockingQuery, FollowStatus, QueryContext, ViewStatus} from './types.js'

/** Maximum pause between two confirmations: even if one of them is not answered, the query does not count as silent. */
const longestPauseMs = 50_000

export type HeldReason = Extract<ViewStatus, {state: 'held'}>['reason']

export interface EmptyGuardOptions {
  readonly signal: AbortSignal
  /** Waits until one more request may be sent. */
  readonly pace: () => Promise<void>
  readonly onHeld: (reason: HeldReason) => void
  /** Receives each failure while it is unknown whether missing items were deleted or are hidden. */
  readonly onStatus?: ((status: FollowStatus) => void) | undefined
}

/** `shrunk`: items are gone, which may mean that they were deleted or hidden. */
export type Doubt = HeldReason | 'shrunk'

type Known = Entries<unknown>

/**
 * Believes an empty answer only if it must be true. A missing permission, a lost leader or a follower without data also
 * lead to empty lists, and data was lost because they were believed. An answer that empties what was known is confirmed
 * by a read that the leader proves to be current. Without a known leader, or with permissions missing, it is not
 * believed. An answer that does not say whether there is a leader (the streaming backend's) is always confirmed.
 * Consul before 1.11 silently leaves out items that the token may not read. So an answer without items that were known
 * is believed only if a probe shows that none of them is hidden.
 */
export class EmptyGuard<T> {
  readonly #query: BlockingQuery<T>
  readonly #context: QueryContext

  constructor(query: BlockingQuery<T>, context: QueryContext) {
    this.#query = query
    this.#context = context
  }

  /** Resolves with an answer that can be believed; rejects with the signal's reason. `known` undefined: nothing known yet. */
  async believe(answer: Snapshot<T>, known: Known | undefined, options: EmptyGuardOptions): Promise<Snapshot<T>> {
    const doubt = this.doubt(answer, this.#entries(answer), known)
    return doubt ? await this.confirm({answer, doubt}, known, options) : answer
  }

  /** Returns the reason why an answer with these items must be confirmed; undefined if it can be believed. */
  doubt(answer: Snapshot<T>, entries: Known, known: Known | undefined): Doubt | undefined {
    if (entries.size === 0 && this.#query.guardEmpty) {
      if (answer.knownLeader === false) return 'no-leader'
      if (known !== undefined && known.size > 0) return answer.filteredByAcls ? 'filtered' : 'empty'
    }
    return this.#query.hides && known && hasGone(known, entries) ? 'shrunk' : undefined
  }

  /** Resolves with an answer that can be believed in place of the doubtful one; rejects with the signal's reason. */
  async confirm(
    doubtful: {readonly answer: Snapshot<T>; readonly doubt: Doubt},
    known: Known | undefined,
    options: EmptyGuardOptions,
  ): Promise<Snapshot<T>> {
    const {clock, random, logger} = this.#context
    const backoff = new Backoff({minMs: 1000, maxMs: longestPauseMs, random})
    let {answer, doubt} = doubtful
    let isConfirmed = doubt === 'shrunk'
    let delayMs = backoff.next()
    for (let isFirst = true; ; isFirst = false) {
      if (!isFirst || (doubt !== 'empty' && doubt !== 'shrunk')) {
        if (doubt !== 'shrunk') options.onHeld(doubt)
        await clock.sleep(delayMs, options.signal)
        delayMs = backoff.next()
      }
      try {
        if (!isConfirmed) answer = await this.#readConsistently(options)
        isConfirmed = false
        const still = this.doubt(answer, this.#entries(answer), known)
        // An answer of the leader itself settles these reasons, but not a missing permission.
        const isBelieved = still === undefined || still === 'empty' || still === 'shrunk'
        if (isBelieved && !(await this.#isHidden(answer, known, options))) return answer
        doubt = isBelieved ? 'denied' : still
      } catch (error) {
        options.signal.throwIfAborted()
        logger.debug({query: this.#query.id, err: messageOf(error)}, 'doubtful answer not confirmed')
        if (doubt === 'shrunk') options.onStatus?.({type: 'retrying', attempt: backoff.attempts, delayMs, error})
      }
    }
  }

  async #readConsistently(options: EmptyGuardOptions): Promise<Snapshot<T>> {
    await options.pace()
    return readOnce(this.#query, this.#context, {...this.#limits(options), consistency: 'consistent'})
  }

  async #isHidden(answer: Snapshot<T>, known: Known | undefined, options: EmptyGuardOptions): Promise<boolean> {
    const {hides} = this.#query
    if (!hides || !known) return false
    const gone = goneKeys(known, this.#entries(answer))
    if (gone.length === 0) return false
    try {
      return await readWithin(this.#query.id, this.#context, this.#limits(options), ({signal}) =>
        hides(gone, {signal}, options.pace),
      )
    } catch (error) {
      if (isBatonError(error, 'BATON_ACL_DENIED')) return true
      if (isTransient(error) || options.signal.aborted) throw error
      // Without a transaction it cannot be found out whether the items are hidden.
      return false
    }
  }

  #limits({signal}: EmptyGuardOptions): {readonly signal: AbortSignal; readonly timeoutMs: number} {
    return {signal, timeoutMs: this.#query.answerTimeoutMs ?? answerTimeoutMs}
  }

  #entries(answer: Snapshot<T>): Known {
    return toEntries(this.#query.entries(answer.value))
  }
}
