import type {Snapshot} from '../types.js'
import {EmptyGuard, type EmptyGuardOptions} from './empty-guard.js'
import {type Entries, toEntries} from './entries.js'
import {follow} from './follow.js'
import type {FollowShared} from './follow-loop.js'
import type {BlockingQuery, Followed, FollowOptions, QueryContext} from './types.js'

export interface FollowBelievedOptions extends FollowOptions, FollowShared, Pick<EmptyGuardOptions, 'onHeld'> {
  /** Called with each successful answer, before it is checked. */
  readonly onAnswer: (answer: Followed<unknown>) => void
}

/**
 * Follows a query as {@link follow} does, but confirms an answer that is empty or lacks earlier items before
 * yielding it. Meant for one reader that needs every answer; if there are several readers, they should share
 * a view.
 */
export async function* followBelieved<T, Item>(
  query: BlockingQuery<T, Item>,
  context: QueryContext,
  options: FollowBelievedOptions,
): AsyncGenerator<Snapshot<T>, never, undefined> {
  const {signal, onAnswer, onHeld, onRequest, onStatus} = options
  const guard = new EmptyGuard(query, context)
  const pace = async (): Promise<void> => onRequest?.(context.clock.monotonicMs())
  let known: Entries<Item> | undefined
  for await (const answer of follow(query, context, options)) {
    onAnswer(answer)
    const snapshot = await guard.believe(answer.snapshot, known, {signal, pace, onHeld, onStatus})
    known = toEntries(query.entries(snapshot.value))
    yield snapshot
  }
  throw new Error('unreachable')
}
