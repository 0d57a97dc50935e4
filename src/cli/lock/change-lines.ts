import type {LockParty, LockStatus} from '../../lock/inspect.js'
import {toName, toStatusLines} from './status-text.js'

/**
 * Returns a line for each difference between two states of a lock. Describes the whole state if there is no earlier
 * one.
 */
export function changeLines(before: LockStatus | undefined, now: LockStatus): readonly string[] {
  if (!before) return toStatusLines(now)
  const ended = gone(before.holders, now.holders)
  const acquired = gone(now.holders, before.holders)
  const left = gone(before.waiters, now.waiters).filter(one => !has(now.holders, one))
  const came = gone(now.waiters, before.waiters)
  const isOther = now.kind === 'other' && before.kind !== 'other'
  return [
    ...(isOther ? ['the key was overwritten by something else'] : []),
    ...ended.map(one => `ended     ${toName(one)}`),
    ...acquired.map(one => `acquired  ${toName(one)}${has(before.waiters, one) ? ', from the queue' : ''}`),
    ...came.map(one => `waits     ${toName(one)}${place(now, one)}`),
    ...left.map(one => `left      ${toName(one)}`),
    ...(ended.length > 0 && now.holders.length === 0 ? ['free'] : []),
  ]
}

const has = (parties: readonly LockParty[], {session}: LockParty): boolean =>
  parties.some(one => one.session === session)

const gone = (from: readonly LockParty[], others: readonly LockParty[]): readonly LockParty[] =>
  from.filter(one => !has(others, one))

const place = ({waiters}: LockStatus, {position}: LockParty): string =>
  position === undefined ? '' : `, place ${position} of ${waiters.length}`
