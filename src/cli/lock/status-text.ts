import {formatDuration} from '../../core/time/duration.js'
import type {LockParty, LockStatus} from '../../lock/inspect.js'
import {printable} from '../exec/printable.js'

/** Returns the object of `--json` for some locks. Unknown fields are left out. */
export const toStatusJson = (locks: readonly LockStatus[]): object => ({
  locks: locks.map(({prefix, kind, limit, holders, waiters}) => ({
    prefix,
    kind,
    limit,
    holders: holders.map(toPartyJson),
    waiters: waiters.map(toPartyJson),
  })),
})

const toPartyJson = ({session, info, record}: LockParty): object => ({
  session,
  name: info?.name,
  node: info?.node,
  ttlMs: info?.ttlMs,
  lockDelayMs: info?.lockDelayMs,
  host: record?.host,
  pid: record?.pid,
  command: record?.command,
  since: record?.since,
})

/** Returns the lines that describe one lock with all its holders and waiters. */
export const toStatusLines = (lock: LockStatus): readonly string[] => [
  `${printable(lock.prefix)}: ${toState(lock)}`,
  ...lock.holders.flatMap(party => toPartyLines('holder', party)),
  ...lock.waiters.flatMap(party => toPartyLines('waiter', party)),
]

/** Returns one line for each lock, in columns. */
export function toListLines(locks: readonly LockStatus[]): readonly string[] {
  const width = Math.max(0, ...locks.map(({prefix}) => printable(prefix).length))
  return locks.map(lock => {
    const waiters = lock.waiters.length === 0 ? '' : `, ${lock.waiters.length} waiting`
    const [holder] = lock.holders
    const by = lock.holders.length === 1 && holder ? ` by ${toName(holder)}` : ''
    return `${printable(lock.prefix).padEnd(width)}  ${toState(lock)}${by}${waiters}`
  })
}

function toState({kind, limit, holders}: LockStatus): string {
  if (kind === 'other') return 'not a lock: the key was written by something else'
  if (kind === 'semaphore') return `semaphore, ${holders.length} of ${limit ?? '?'} held`
  return holders.length > 0 ? 'mutex, held' : 'free'
}

const toName = ({session, record}: LockParty): string =>
  record ? printable(`${record.command ?? 'a program'} on ${record.host}, pid ${record.pid}`) : `session ${session}`

function toPartyLines(role: string, party: LockParty): readonly string[] {
  const {session, info, record} = party
  const since = record ? `, since ${printable(record.since)}` : ''
  const facts = info
    ? `node ${printable(info.node)}, TTL ${formatDuration(info.ttlMs)}, ${printable(JSON.stringify(info.name))}`
    : 'which Consul does not list'
  const named = record ? [`  ${role}  ${toName(party)}${since}`] : []
  const indent = record ? ' '.repeat(role.length + 4) : `  ${role}  `
  return [...named, `${indent}session ${session}, ${facts}`]
}
