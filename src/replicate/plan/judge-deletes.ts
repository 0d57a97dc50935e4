import type {CompleteOptions} from '../complete-options.js'
import {runSteps} from '../steps.js'
import type {Held, Mapping} from '../types.js'
import {confirmAbsent} from './confirm-absent.js'
import {heldIdSteps, toHeld} from './held.js'
import type {KeyScope} from './key-scope.js'
import {deleteLimit} from './max-delete.js'
import type {Plan} from './plan.js'

export interface DeleteCase {
  readonly options: CompleteOptions
  readonly mapping: Mapping
  readonly scope: KeyScope
  readonly plan: Plan
  /** True if the source's list came from its leader. */
  readonly isLeaders: boolean
  /** True if this pass may delete every set that would be held. */
  readonly approveAll: boolean
  readonly signal: AbortSignal
}

export interface DeleteVerdict {
  readonly go: readonly string[]
  readonly held: readonly Held[]
  readonly hidden: number
  /** The ID of the approval that permitted these deletes. */
  readonly approval?: string
}

const nothing: DeleteVerdict = {go: [], held: [], hidden: 0}
const sampleToAsk = 64

/**
 * A key that is missing in a list is deleted only if three guards agree: the list came from the source's leader; the
 * number of deletes is within the limit, or approved; and the leader has answered for each single key that it does not
 * exist. No option turns the last one off.
 */
export async function judgeDeletes(given: DeleteCase): Promise<DeleteVerdict> {
  const {options, plan, isLeaders} = given
  const {deletes} = plan
  if (!options.canDelete || deletes.length === 0) return nothing
  if (!isLeaders) {
    const text = 'the list did not come from a leader of the source'
    return {...nothing, held: [await hold(given, deletes, {reason: 'no-leader', text})]}
  }
  const limit = deleteLimit(options.maxDelete, plan.destinationCount)
  const isMany = plan.sourceCount === 0 || deletes.length > limit
  const id = isMany ? await idOf(given, deletes) : undefined
  if (id !== undefined && !given.approveAll && !options.approved.has(id)) return holdMany(given, limit, id)
  const verdict = await ask(given, deletes)
  const hidden = deletes.filter(key => verdict.hidden.has(given.scope.toSource(key)))
  return {
    go: deletes.filter(key => verdict.absent.has(given.scope.toSource(key))),
    held: hidden.length === 0 ? [] : [await hold(given, hidden, hiddenKeys)],
    hidden: hidden.length,
    ...(id !== undefined && {approval: id}),
  }
}

const ask = (given: DeleteCase, keys: readonly string[]): ReturnType<typeof confirmAbsent> =>
  confirmAbsent(given.options.source, keys.map(given.scope.toSource), {
    ...given.options.sourceCall(given.mapping),
    signal: given.signal,
  })

/**
 * Holds deletes above the limit. The leader is asked about some of them, because the message must distinguish keys that
 * were deleted from keys that the token may not read.
 */
async function holdMany(given: DeleteCase, limit: number, id: string): Promise<DeleteVerdict> {
  const {plan} = given
  const {deletes} = plan
  const asked = deletes.slice(0, sampleToAsk)
  const {hidden} = await ask(given, asked)
  const isEmpty = plan.sourceCount === 0
  if (hidden.size === deletes.length) {
    return {go: [], held: [await hold(given, deletes, hiddenKeys)], hidden: hidden.size}
  }
  const why = isEmpty ? 'the source has no keys there' : `more than ${limit} of ${plan.destinationCount} keys`
  const also = hidden.size === 0 ? '' : ` (${hidden.size} of ${asked.length} asked for exist, hidden from the token)`
  const held = toHeld(given.mapping, deletes, {id, reason: isEmpty ? 'empty-source' : 'limit', text: `${why}${also}`})
  return {go: [], held: [held], hidden: hidden.size}
}

interface Why {
  readonly reason: Held['reason']
  readonly text: string
}

const hiddenKeys: Why = {reason: 'hidden', text: 'the source has these keys, but the token may not read them'}

const hold = async (given: DeleteCase, keys: readonly string[], why: Why): Promise<Held> =>
  toHeld(given.mapping, keys, {id: await idOf(given, keys), ...why})

const idOf = ({mapping, options, signal}: DeleteCase, keys: readonly string[]): Promise<string> =>
  runSteps(heldIdSteps(mapping, keys), options.clock, signal)
