import {formatDuration} from '../../core/time/duration.js'
import type {SessionInfo} from '../../core/types.js'
import type {LockParty, LockStatus} from '../../lock/inspect.js'
import {printable} from '../exec/printable.js'

/** Longest lock-delay that Consul enforces. */
const mostLockDelayMs = 60_000

/** Returns the object of `--json` for a list of locks. Fields without a value are left out. */
export const toStatusJson = (locks: readonly LockStatus[]): object => ({
  locks: locks.map(({prefix, kind, limit, holders, waiters}) => ({
    prefix,
    kind,
    limit,
    holders: holders.map(party => ({...toPartyJson(party), freeWithinMs: party.info && freeWithin(kind, party.info)})),
    waiters: waiters.map(toPartyJson),
  })),
})

const toPartyJson = ({session, info, record, position}: LockParty): object => ({
  session,
  position,
  name: info?.name,
  node: info?.node,
  ttlMs: info?.ttlMs,
  lockDelayMs: info?.lockDelayMs,
  checks: info?.nodeChecks,
  host: record?.host,
  pid: record?.pid,
  command: record?.command,
  since: record?.since,
})

/** Returns the lines that describe one lock with all its holders and waiters. */
export const toStatusLines = (lock: LockStatus): readonly string[] => [
  `${printable(lock.prefix)}: ${toStateText(lock)}`,
  ...lock.holders.flatMap(party => [...toPartyLines('holder', party), ...toBounds(lock, party)]),
  ...lock.waiters.flatMap(party => toPartyLines('waiter', party)),
]

/** Returns one line for each lock, in columns. */
export function toListLines(locks: readonly LockStatus[]): readonly string[] {
  const width = Math.max(0, ...locks.map(({prefix}) => printable(prefix).length))
  return locks.map(lock => {
    const waiters = lock.waiters.length === 0 ? '' : `, ${lock.waiters.length} waiting`
    const [holder] = lock.holders
    const by = lock.holders.length === 1 && holder ? ` by ${toName(holder)}` : ''
    return `${printable(lock.prefix).padEnd(width)}  ${toStateText(lock)}${by}${waiters}`
  })
}

/** Returns whether a lock is held, in a few words. */
export function toStateText({kind, limit, holders}: LockStatus): string {
  if (kind === 'other') return 'not a lock: the key was written by something else'
  if (kind === 'semaphore') return `semaphore, ${holders.length} of ${limit ?? '?'} held`
  return holders.length > 0 ? 'mutex, held' : 'free'
}

/** Names a contender by the record that it wrote about itself or, without a record, by its session. */
export const toName = ({session, record}: LockParty): string =>
  record ? printable(`${record.command ?? 'a program'} on ${record.host}, pid ${record.pid}`) : `session ${session}`

function toPartyLines(role: string, party: LockParty): readonly string[] {
  const {session, info, record, position} = party
  const title = position === undefined ? role : `${role} ${position}`
  const since = record ? `, since ${printable(record.since)}` : ''
  const facts = info
    ? `node ${printable(info.node)}, TTL ${formatDuration(info.ttlMs)}, ${printable(JSON.stringify(info.name))}`
    : 'which Consul does not list'
  const named = record ? [`  ${title}  ${toName(party)}${since}`] : []
  const indent = record ? ' '.repeat(title.length + 4) : `  ${title}  `
  return [...named, `${indent}session ${session}, ${facts}`]
}

/**
 * Maximum time from the last renewal of a session until its lock is free. Consul ends a session after twice its TTL at
 * the latest. A slot of a semaphore has no lock-delay.
 */
const freeWithin = (kind: LockStatus['kind'], {ttlMs, lockDelayMs}: SessionInfo): number | undefined =>
  ttlMs > 0 ? 2 * ttlMs + (kind === 'semaphore' ? 0 : Math.min(lockDelayMs, mostLockDelayMs)) : undefined

/** Returns lines that say how the session of a holder ends if the holder dies, and when the lock is free after that. */
function toBounds({kind}: LockStatus, {info}: LockParty): readonly string[] {
  if (!info) return []
  const withinMs = freeWithin(kind, info)
  const checks = info.nodeChecks.length === 0 ? '' : `, sooner if ${info.nodeChecks.join(' or ')} fails`
  const delay = kind === 'semaphore' ? '' : ` + lock-delay ${formatDuration(info.lockDelayMs)}`
  const bounds =
    withinMs === undefined
      ? 'its session has no TTL: if it dies, the lock stays held until the session is destroyed'
      : `if it dies, free within ${formatDuration(withinMs)} (2 x TTL ${formatDuration(info.ttlMs)}${delay})`
  return [`          ${bounds}${checks}`]
}

/** Says when the lock can be acquired after the session of this contender was ended by hand. */
export function afterBreak(
  {kind, holders}: LockStatus,
  victim: LockParty,
): {readonly text: string; readonly facts: {readonly freeAfterMs?: number}} {
  if (!holders.includes(victim)) return {text: 'it waits no longer', facts: {}}
  if (kind === 'semaphore') {
    return {text: 'its slot is free at once, while its command is being stopped', facts: {freeAfterMs: 0}}
  }
  if (!victim.info) return {text: 'free after its lock-delay', facts: {}}
  const delayMs = Math.min(victim.info.lockDelayMs, mostLockDelayMs)
  return {text: `free after the lock-delay of ${formatDuration(delayMs)}`, facts: {freeAfterMs: delayMs}}
}
