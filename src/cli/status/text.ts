import {messageOf} from '../../core/errors.js'
import {formatDuration} from '../../core/time/duration.js'
import type {LockParty, LockStatus} from '../../lock/inspect.js'
import type {ClusterStatus} from '../../status/read-status.js'
import type {ExecPart, LocalWatcher, LocksPart, StatusPartName} from '../../status/types.js'
import {printable} from '../exec/printable.js'
import {runLines} from '../exec/runs-text.js'
import {toName, toStateText} from '../lock/status-text.js'
import {statusLines} from '../replicate/status-text.js'

/** Names of the parts for people. */
const titles: Readonly<Record<StatusPartName, string>> = {
  agent: 'agent',
  locks: 'locks',
  exec: 'exec',
  replication: 'replication',
  watchers: 'event watchers of this host',
  missingRules: 'permissions',
}

/** Returns the lines of a status for people: a title for each part, followed by its lines. */
export function statusText({parts, problems}: ClusterStatus, nowMs: number): readonly string[] {
  const lines: string[] = []
  const add = (title: string, body: readonly string[]): void => {
    lines.push(title, ...body.map(line => `  ${line}`))
  }
  if (parts.agent) {
    const {datacenter, node, version} = parts.agent
    lines.push(printable(`datacenter ${datacenter}, Consul ${version}, agent on ${node}`))
  }
  if (parts.locks) addLocks(parts.locks, {add, nowMs})
  if (parts.exec) addExec(parts.exec, add)
  if (parts.replication) {
    const body = parts.replication.flatMap(report => statusLines(report, nowMs))
    add(headOf('replication', parts.replication.length), body)
  }
  if (parts.watchers) {
    add(
      headOf('watchers', parts.watchers.length),
      parts.watchers.map(watcher => watcherLine(watcher, nowMs)),
    )
  }
  const missing = parts.missingRules ?? []
  if (missing.length > 0) add('the token lacks permissions, so this may be incomplete:', missing)
  for (const [part, error] of problems) lines.push(`${titles[part]}: not read: ${printable(messageOf(error))}`)
  return lines
}

type Add = (title: string, body: readonly string[]) => void

const headOf = (part: StatusPartName, count: number): string => `${titles[part]}: ${count === 0 ? 'none' : count}`

function addLocks(part: LocksPart, {add, nowMs}: {readonly add: Add; readonly nowMs: number}): void {
  const {locks, sessionCount, unrenewed} = part
  const width = Math.max(0, ...locks.map(({prefix}) => printable(prefix).length))
  add(
    headOf('locks', locks.length),
    locks.map(lock => `${printable(lock.prefix).padEnd(width)}  ${lockText(lock, nowMs)}`),
  )
  const sessions = unrenewed.map(({id, name, node, nodeChecks, holds}) => {
    const end = nodeChecks.length === 0 ? 'no check ends it' : `ends with ${nodeChecks.join(' or ')}`
    const held = holds.length === 0 ? '' : `, holds ${holds.join(', ')}`
    return printable(`${id}  ${JSON.stringify(name)} on ${node}, ${end}${held}`)
  })
  const without = unrenewed.length === 0 ? '' : `, ${unrenewed.length} without a TTL, which nothing renews`
  add(`sessions: ${sessionCount}${without}`, sessions)
}

function lockText(lock: LockStatus, nowMs: number): string {
  const {holders, waiters} = lock
  const by = holders.length === 0 ? '' : ` by ${holders.map(party => partyText(party, nowMs)).join('; ')}`
  return `${toStateText(lock)}${by}${waiters.length === 0 ? '' : `, ${waiters.length} waiting`}`
}

function partyText(party: LockParty, nowMs: number): string {
  const since = Date.parse(party.record?.since ?? '')
  return Number.isNaN(since) ? toName(party) : `${toName(party)}, for ${ageOf(since, nowMs)}`
}

function ageOf(sinceMs: number, nowMs: number): string {
  const seconds = Math.round((nowMs - sinceMs) / 1000)
  return seconds > 0 ? formatDuration(seconds * 1000) : '0s'
}

function addExec({responders, runs}: ExecPart, add: Add): void {
  add(
    `responders: ${responders.length === 0 ? 'none' : responders.length}`,
    responders.map(({name, node, isPassing}) => {
      const where = name === node ? name : `${name} on ${node}`
      return printable(isPassing ? where : `${where}, failing`)
    }),
  )
  add(`jobs: ${runs.length === 0 ? 'none' : runs.length}`, runLines(runs))
}

function watcherLine({pid, events, stateFile, sinceMs}: LocalWatcher, nowMs: number): string {
  const names = events.length === 0 ? 'all events' : events.join(', ')
  const state = stateFile === undefined ? '' : `, state ${stateFile}`
  return printable(`pid ${pid}  ${names}${state}, for ${ageOf(sinceMs, nowMs)}`)
}
