import type {CompleteOptions} from '../complete-options.js'
import type {DeleteCounter} from '../held/delete-counter.js'
import type {HeldBook} from '../held/held-book.js'
import type {HeldSet, SetReason} from '../held/held-set.js'
import type {Held, Mapping} from '../types.js'
import {confirmAbsent} from './confirm-absent.js'
import {formatWindow} from './delete-budget.js'
import {toHeld} from './held.js'
import type {KeyScope} from './key-scope.js'
import {deleteLimit} from './max-delete.js'
import type {Plan, Replica} from './plan.js'

export interface DeleteCase {
  readonly options: CompleteOptions
  readonly mapping: Mapping
  readonly scope: KeyScope
  readonly plan: Plan
  readonly replica: Replica
  /** True if the source's list came from its leader. */
  readonly isLeaders: boolean
  /** True if all deletes of this pass are approved. */
  readonly approveAll: boolean
  readonly book: HeldBook
  readonly counter: DeleteCounter
  /** False for a preview, which must not write anything. */
  readonly isForReal: boolean
  readonly signal: AbortSignal
}

export interface DeleteVerdict {
  readonly go: readonly string[]
  readonly held: readonly Held[]
  readonly hidden: number
  /** The IDs of the approvals that permitted these deletes. */
  readonly approvals: readonly string[]
}

export const noDeletes: DeleteVerdict = {go: [], held: [], hidden: 0, approvals: []}
const sampleToAsk = 64

/**
 * Decides which deletes to make. A key that is missing from a list is deleted only on three conditions: the list came
 * from the source's leader; the number of deletes is approved or within the limits of a pass and of a period; and the
 * leader has answered for each single key that it does not exist. No option turns the last condition off. Deletes that
 * are held back stay held back, even if later deletes are within the limits.
 */
export async function judgeDeletes(given: DeleteCase): Promise<DeleteVerdict> {
  const {options, plan, isLeaders, book, signal} = given
  const {deletes} = plan
  if (!options.canDelete) return noDeletes
  if (deletes.length === 0) {
    if (isLeaders && given.isForReal) await book.keepOnly(new Set(), signal)
    return noDeletes
  }
  if (!isLeaders) {
    const text = 'the list did not come from a leader of the source'
    return {...noDeletes, held: [await hold(given, deletes, {reason: 'no-leader', text})]}
  }
  return await new Judgement(given).run()
}

/** Deletes that wait for an approval, and whether they are stored as a set. */
interface Waiting {
  readonly keys: readonly string[]
  readonly id: string
  readonly reason: SetReason
  readonly why: string
  readonly isKept: boolean
}

interface Allowed {
  readonly may: readonly string[]
  /** The deletes in `may` that count against the limit on deletes within a period. */
  readonly counted: readonly string[]
  readonly waiting: readonly Waiting[]
}

const isFirm = ({reason}: Waiting): boolean => reason !== 'empty-source'
const countOf = (waiting: readonly Waiting[]): number => waiting.reduce((sum, {keys}) => sum + keys.length, 0)

class Judgement {
  readonly #given: DeleteCase
  readonly #approvals: string[] = []

  constructor(given: DeleteCase) {
    this.#given = given
  }

  async run(): Promise<DeleteVerdict> {
    const {plan, replica, book, isForReal, signal} = this.#given
    const {sets, fresh} = await book.split(plan.deletes, replica, signal)
    if (isForReal) await book.keepOnly(new Set(sets.map(({set}) => set)), signal)
    const waiting: Waiting[] = []
    const approved: string[] = []
    for (const {set, keys} of sets) {
      if (this.#isApproved(set.id)) approved.push(...keys)
      else waiting.push(toWaiting(set, keys))
    }
    const freed = await this.#freed(fresh, waiting)
    if (freed) return await this.#ask({may: [...approved, ...freed], counted: freed, waiting: waiting.filter(isFirm)})
    if (fresh.length === 0) return await this.#ask({may: approved, counted: [], waiting})
    const limit = await this.#limitOf(fresh.length + countOf(waiting))
    if (limit === undefined) return await this.#ask({may: [...approved, ...fresh], counted: fresh, waiting})
    const id = await book.idOf(fresh, signal)
    if (this.#isApproved(id)) approved.push(...fresh)
    else waiting.push(await this.#gather(fresh, {id, ...limit}))
    return await this.#ask({may: approved, counted: [], waiting})
  }

  #isApproved(id: string): boolean {
    const {approveAll, options} = this.#given
    if (!approveAll && !options.approved.has(id)) return false
    this.#approvals.push(id)
    return true
  }

  /**
   * If the source has keys again, and no limit forbids it, returns the new deletes together with those that were held
   * back because the source was empty. Otherwise returns undefined.
   */
  async #freed(fresh: readonly string[], waiting: readonly Waiting[]): Promise<readonly string[] | undefined> {
    if (waiting.every(isFirm)) return undefined
    const limit = await this.#limitOf(fresh.length + countOf(waiting))
    return limit ? undefined : [...fresh, ...waiting.flatMap(set => (isFirm(set) ? [] : set.keys))]
  }

  /** Returns the limit that this number of deletes exceeds; undefined if it exceeds none. */
  async #limitOf(count: number): Promise<{readonly reason: SetReason; readonly why: string} | undefined> {
    const {options, plan, counter, signal} = this.#given
    if (plan.sourceCount === 0) return {reason: 'empty-source', why: 'the source has no keys there'}
    const most = deleteLimit(options.maxDelete, plan.destinationCount)
    if (count > most) return {reason: 'limit', why: `more than ${most} of ${plan.destinationCount} keys`}
    const {left, limit, base} = await counter.left(plan.destinationCount, signal)
    if (count <= left) return undefined
    return {reason: 'budget', why: `more than ${limit} of ${base} keys within ${formatWindow(options.deleteBudget)}`}
  }

  async #gather(
    fresh: readonly string[],
    set: {readonly id: string; readonly reason: SetReason; readonly why: string},
  ): Promise<Waiting> {
    const {replica, book, isForReal, signal} = this.#given
    const {hidden} = await ask(this.#given, fresh.slice(0, sampleToAsk))
    if (!isForReal || hidden.size === fresh.length) return {...set, keys: fresh, isKept: false}
    const keys = new Map(fresh.map(key => [key, replica.get(key)?.modifyIndex ?? 0n]))
    return {...set, keys: fresh, isKept: await book.add({...set, keys}, signal)}
  }

  /**
   * Asks the leader about each key that may be deleted, and counts the deletes in `counted` against the limit on
   * deletes within a period.
   */
  async #ask({may, counted, waiting}: Allowed): Promise<DeleteVerdict> {
    const {scope, counter, plan, isForReal, signal} = this.#given
    const verdict = await ask(this.#given, may)
    const go = may.filter(key => verdict.absent.has(scope.toSource(key)))
    const hidden = may.filter(key => verdict.hidden.has(scope.toSource(key)))
    const held = hidden.length === 0 ? [] : [await hold(this.#given, hidden, hiddenKeys)]
    const spent = new Set(counted)
    const paid = go.filter(key => spent.has(key))
    const isPaid = !isForReal || (await counter.spend(paid, plan.destinationCount, signal))
    const reported = await this.#report(waiting)
    return {
      // If another replicator has used up the limit, the counted deletes are judged again in the next pass.
      go: isPaid ? go : go.filter(key => !spent.has(key)),
      held: [...held, ...reported.held],
      hidden: hidden.length + reported.hidden,
      approvals: this.#approvals,
    }
  }

  /**
   * Asks the leader about the keys whose deletes are held back, because the messages distinguish deleted keys from keys
   * that the token may not read.
   */
  async #report(waiting: readonly Waiting[]): Promise<{readonly held: readonly Held[]; readonly hidden: number}> {
    const {mapping} = this.#given
    const held: Held[] = []
    let hiddenCount = 0
    for (const {keys, id, reason, why, isKept} of waiting) {
      const asked = keys.slice(0, sampleToAsk)
      const {hidden} = await ask(this.#given, asked)
      hiddenCount += hidden.size
      if (hidden.size === keys.length) held.push(await hold(this.#given, keys, hiddenKeys))
      else {
        const also =
          hidden.size === 0 ? '' : ` (${hidden.size} of ${asked.length} asked for exist, hidden from the token)`
        held.push({...toHeld(mapping, keys, {id, reason, text: `${why}${also}`}), isKept})
      }
    }
    return {held, hidden: hiddenCount}
  }
}

const toWaiting = ({id, reason, why}: HeldSet, keys: readonly string[]): Waiting => ({
  keys,
  id,
  reason,
  why,
  isKept: true,
})

const ask = (given: DeleteCase, keys: readonly string[]): ReturnType<typeof confirmAbsent> =>
  confirmAbsent(given.options.source, keys.map(given.scope.toSource), {
    ...given.options.sourceCall(given.mapping),
    signal: given.signal,
  })

interface Why {
  readonly reason: Held['reason']
  readonly text: string
}

const hiddenKeys: Why = {reason: 'hidden', text: 'the source has these keys, but the token may not read them'}

const hold = async (given: DeleteCase, keys: readonly string[], why: Why): Promise<Held> => ({
  ...toHeld(given.mapping, keys, {id: await given.book.idOf(keys, given.signal), ...why}),
  isKept: false,
})
