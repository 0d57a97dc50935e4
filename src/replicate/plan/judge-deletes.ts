import type {CompleteOptions} from '../complete-options.js'
import type {Held, Mapping} from '../types.js'
import {confirmAbsent} from './confirm-absent.js'
import {heldId, toHeld} from './held.js'
import type {KeyScope} from './key-scope.js'
import {deleteLimit} from './max-delete.js'
import type {Plan} from './plan.js'

export interface DeleteCase {
  readonly options: CompleteOptions
  readonly mapping: Mapping
  readonly scope: KeyScope
  readonly plan: Plan
  /** The source's list came from its leader. */
  readonly isLeaders: boolean
  /** Every held set of this pass may go. */
  readonly approveAll: boolean
  readonly signal: AbortSignal
}

export interface DeleteVerdict {
  readonly go: readonly string[]
  readonly held: readonly Held[]
  readonly hidden: number
  /** The id of an approval without which these would be held. */
  readonly approval?: string
}

const nothing: DeleteVerdict = {go: [], held: [], hidden: 0}
const sampleToAsk = 64

/**
 * Three guards between a key missing in a list and its deletion: the list is the leader's; the number is within the
 * limit or approved; and the leader has said of each single key that it does not exist. The last has no override.
 */
export async function judgeDeletes(given: DeleteCase): Promise<DeleteVerdict> {
  const {options, plan, isLeaders} = given
  const {deletes} = plan
  if (!options.canDelete || deletes.length === 0) return nothing
  if (!isLeaders) return holdAll(given, 'no-leader', 'the list did not come from a leader of the source')
  const limit = deleteLimit(options.maxDelete, plan.destinationCount)
  const isEmpty = plan.sourceCount === 0
  const isMany = isEmpty || deletes.length > limit
  const id = isMany ? heldId(given.mapping, deletes) : ''
  if (isMany && !given.approveAll && !options.approved.has(id)) return holdMany(given, limit)
  const verdict = await ask(given, deletes)
  const hidden = deletes.filter(key => verdict.hidden.has(given.scope.toSource(key)))
  return {
    go: deletes.filter(key => verdict.absent.has(given.scope.toSource(key))),
    held: hidden.length === 0 ? [] : [holdHidden(given.mapping, hidden)],
    hidden: hidden.length,
    ...(isMany && {approval: id}),
  }
}

const ask = (given: DeleteCase, keys: readonly string[]): ReturnType<typeof confirmAbsent> =>
  confirmAbsent(given.options.source, keys.map(given.scope.toSource), {
    ...given.options.sourceCall(given.mapping),
    signal: given.signal,
  })

/** Too many to go by themselves. A few are asked for, because "deleted" and "no right to read" need different people. */
async function holdMany(given: DeleteCase, limit: number): Promise<DeleteVerdict> {
  const {mapping, plan} = given
  const {deletes} = plan
  const asked = deletes.slice(0, sampleToAsk)
  const {hidden} = await ask(given, asked)
  const isEmpty = plan.sourceCount === 0
  if (hidden.size === deletes.length) return {go: [], held: [holdHidden(mapping, deletes)], hidden: hidden.size}
  const why = isEmpty ? 'the source has no keys there' : `more than ${limit} of ${plan.destinationCount} keys`
  const also = hidden.size === 0 ? '' : ` (${hidden.size} of ${asked.length} asked for exist, hidden from the token)`
  const held = toHeld(mapping, deletes, {
    reason: isEmpty ? 'empty-source' : 'limit',
    text: `${why}${also}`,
  })
  return {go: [], held: [held], hidden: hidden.size}
}

const holdHidden = (mapping: Mapping, keys: readonly string[]): Held =>
  toHeld(mapping, keys, {
    reason: 'hidden',
    text: 'the source has these keys, but the token may not read them',
  })

const holdAll = (given: DeleteCase, reason: Held['reason'], text: string): DeleteVerdict => ({
  ...nothing,
  held: [toHeld(given.mapping, given.plan.deletes, {reason, text})],
})
