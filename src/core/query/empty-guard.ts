import {isBatonError, isTransient, messageOf} from '../errors.js'
import {answerTimeoutMs} from '../http/caller.js'
import {Backoff} from '../time/backoff.js'
import type {Snapshot} from '../types.js'
import {goneKeys, hasGone} from './diff.js'
import {type Entries, toEntries} from './entries.js'
import {readOnce, readWithin} from './read-once.js'
import type {BlockingQuery, FollowStatus, QueryContext, ViewStatus} from './types.js'

/**
 * Maximum pause in milliseconds between two attempts to confirm an answer. It is short enough that requests still
 * follow one another within the timeout of a blocking query, even if one attempt is not answered.
 */
const longestPauseMs = 50_000

export type HeldReason = Extract<ViewStatus, {state: 'held'}>['reason']

export interface EmptyGuardOptions {
  readonly signal: AbortSignal
  /** Waits until one more request may be sent. */
  readonly pace: () => Promise<void>
  readonly onHeld: (reason: HeldReason) => void
  /**
   * Receives each failure of a request that determines whether missing items were deleted or are hidden by
   * ACLs.
   */
  readonly onStatus?: ((status: FollowStatus) => void) | undefined
}

/**
 * Reason why an answer must be confirmed. `shrunk`: items are missing, because they were deleted or because ACLs hide
 * them.
 */
export type Doubt = HeldReason | 'shrunk'

type Known = Entries<unknown>

/**
 * Accepts an empty answer only after confirmation. Consul also answers with an empty list if a permission is
 * missing, the leader is lost or a follower has no data, and users have lost data because of such answers. An
 * answer that empties a list is confirmed by a consistent read, and is not accepted while no leader is known
 * or permissions are missing. An answer that does not say whether there is a leader (from the streaming
 * backend) is always confirmed. Consul before 1.11 silently leaves out items that the token may not read;
 * therefore an answer that lacks earlier items is accepted only if a further request shows that none of them is
 * hidden.
 */
export class EmptyGuard<T> {
  readonly #query: BlockingQuery<T>
  readonly #context: QueryContext

  constructor(query: BlockingQuery<T>, context: QueryContext) {
    this.#query = query
    this.#context = context
  }

  /**
   * Resolves with an answer that is safe to use; rejects with the signal's reason. `known` contains the items
   * of the previous answer, and is undefined before the first answer.
   */
  async believe(answer: Snapshot<T>, known: Known | undefined, options: EmptyGuardOptions): Promise<Snapshot<T>> {
    const doubt = this.doubt(answer, this.#entries(answer), known)
    return doubt ? await this.confirm({answer, doubt}, known, options) : answer
  }

  /** Returns the reason why an answer with these items must be confirmed; undefined if it is safe to use. */
  doubt(answer: Snapshot<T>, entries: Known, known: Known | undefined): Doubt | undefined {
    if (entries.size === 0 && this.#query.guardEmpty) {
      if (answer.knownLeader === false) return 'no-leader'
      if (known !== undefined && known.size > 0) return answer.filteredByAcls ? 'filtered' : 'empty'
    }
    return this.#query.hides && known && hasGone(known, entries) ? 'shrunk' : undefined
  }

  /**
   * Resolves with an answer that is safe to use in place of the one that needs confirmation; rejects with the
   * signal's reason.
   */
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
        // This answer came from the leader itself, so missing items are no reason to doubt it, unless ACLs hide them.
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
      // If the token may not send the request that looks for hidden items, baton cannot determine whether there are
      // any.
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
