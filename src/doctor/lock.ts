import {formatDuration} from '../core/time/duration.js'
import type {Finding} from './types.js'

/** A session that holds a lock, with the record that it wrote about itself. */
export interface LockHolder {
  readonly session: string
  /** Facts of the session; undefined if Consul does not list it. */
  readonly info: {readonly node: string; readonly ttlMs: number; readonly lockDelayMs: number} | undefined
  /**
   * The record as text, such as `sleep on web-1, pid 7, since TIME`. Undefined if there is none.
   */
  readonly record: string | undefined
}

/** The state of the lock that the user wants to use. */
export interface LockReport {
  readonly prefix: string
  readonly key: string
  readonly kind: 'mutex' | 'semaphore' | 'other' | 'none'
  readonly limit: number | undefined
  readonly holders: readonly LockHolder[]
  readonly waiters: readonly LockHolder[]
}

/** Reports the state of a lock: each holder with its session, and the waiting contenders. */
export function examineLock({prefix, key, kind, limit, holders, waiters}: LockReport): readonly Finding[] {
  if (kind === 'other') {
    const text = `${prefix}: its key ${key} was written by something else: baton lock refuses it`
    return [{check: 'lock', verdict: 'warn', text, fix: 'use another prefix, or delete the key if nothing needs it'}]
  }
  const waiting = waiters.length === 0 ? '' : `; ${waiters.length} waiting: ${shown(waiters)}`
  if (holders.length === 0) return [{check: 'lock', verdict: 'ok', text: `${prefix}: free${waiting}`}]
  const form = kind === 'semaphore' ? `semaphore, ${holders.length} of ${limit ?? '?'} held` : 'mutex, held'
  const text = `${prefix}: ${form} by ${holders.map(describe).join('; ')}${waiting}`
  const gone = holders.filter(({info}) => info === undefined).map(({session}) => session)
  const endless = holders.filter(({info}) => info?.ttlMs === 0).map(({session}) => session)
  if (gone.length === 0 && endless.length > 0) {
    return [
      {
        check: 'lock',
        verdict: 'warn',
        text: `${text}: if the program that created session ${endless.join(', ')} dies, the lock stays held`,
        fix: 'let it create sessions with a TTL; destroying the session frees the lock',
      },
    ]
  }
  if (gone.length === 0) return [{check: 'lock', verdict: 'ok', text}]
  return [
    {
      check: 'lock',
      verdict: 'warn',
      text: `${text}: Consul does not list session ${gone.join(', ')}`,
      fix: 'the token may lack session_prefix "" { policy = "read" }; otherwise the session has just ended',
    },
  ]
}

const mostWaiters = 5
const shown = (waiters: readonly LockHolder[]): string => {
  const more = waiters.length > mostWaiters ? [`and ${waiters.length - mostWaiters} more`] : []
  return [...waiters.slice(0, mostWaiters).map(describe), ...more].join('; ')
}

function describe({session, info, record}: LockHolder): string {
  const name = record === undefined ? '' : `${record}, `
  if (info === undefined) return `${name}session ${session}`
  const ttl =
    info.ttlMs > 0 ? `TTL ${formatDuration(info.ttlMs)}` : 'no TTL: it ends with the health checks of its node'
  return `${name}session ${session} (node ${info.node}, ${ttl}, lock-delay ${formatDuration(info.lockDelayMs)})`
}
