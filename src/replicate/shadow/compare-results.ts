import type {Replica, ReplicaEntry} from '../plan/plan.js'
import type {ReplicationPreview, ShadowDifference} from '../types.js'

type Content = Pick<ReplicaEntry, 'value' | 'flags'>

/** The destination before and after the other program's change, and what baton would have done in the state before. */
export interface Results {
  /** The destination before the change. */
  readonly before: Replica
  /** The pass that baton would have made at that time. */
  readonly preview: ReplicationPreview
  /** Contents at the source, keyed by the name that each key has at the destination. */
  readonly source: ReadonlyMap<string, Content>
  /** The destination after the other program has copied the change. */
  readonly now: Replica
}

/** Returns the keys that the other program handled differently from baton. A pure function. */
export function compareResults(results: Results): readonly ShadowDifference[] {
  const ours = oursOf(results)
  const differences: ShadowDifference[] = []
  for (const key of new Set([...ours.keys(), ...results.now.keys()])) {
    const difference = compareKey(key, {...results, ours})
    if (difference) differences.push(difference)
  }
  return differences
}

/** Returns the contents that the destination would have after baton's pass. */
function oursOf({before, preview, source}: Results): ReadonlyMap<string, Content> {
  const ours = new Map<string, Content>(before)
  for (const {kind, key} of preview.changes) {
    const entry = source.get(key)
    if (kind === 'delete') ours.delete(key)
    else if (entry) ours.set(key, entry)
  }
  return ours
}

function compareKey(
  key: string,
  {ours, before, now, preview}: Results & {readonly ours: ReadonlyMap<string, Content>},
): ShadowDifference | undefined {
  const [own, theirs, was] = [ours.get(key), now.get(key), before.get(key)]
  if (isEqual(own, theirs)) return undefined
  if (own && !theirs)
    return isEqual(own, was) ? {key, kind: 'deleted', why: whyKept(preview)} : {key, kind: 'not-written'}
  if (!own) return was ? {key, kind: 'not-deleted'} : {key, kind: 'written'}
  return isEqual(theirs, was) ? {key, kind: 'not-written'} : {key, kind: 'written'}
}

const isEqual = (one: Content | undefined, other: Content | undefined): boolean =>
  one === undefined || other === undefined ? one === other : one.flags === other.flags && one.value.equals(other.value)

const whyKept = ({held, hidden}: ReplicationPreview): string =>
  held[0]?.message ??
  (hidden > 0 ? 'the source has keys that the token may not read' : 'the source has it, or it is left alone')
