import {messageOf} from '../core/errors.js'
import {formatDuration} from '../core/time/duration.js'
import type {RunEvent} from './run-locked.js'
import type {LockEvent} from './types.js'

export type AnyLockEvent = LockEvent | RunEvent

/** One line of `--events`: `type` names and fields are part of the interface, numbers of 64 bits are strings. */
export const toEventLine = (event: AnyLockEvent, facts: {readonly prefix: string; readonly wallMs: number}): string => {
  const line = {time: new Date(facts.wallMs).toISOString(), prefix: facts.prefix, ...event}
  return JSON.stringify(line, (_key, value: unknown) => {
    if (typeof value === 'bigint') return value.toString()
    return value instanceof Error ? messageOf(value) : value
  })
}

/** What a person wants to read of it; most events are not news. */
export function toProgress(event: AnyLockEvent, prefix: string): string | undefined {
  switch (event.type) {
    case 'lock.waiting':
      if (event.reason === 'held') return `waiting for ${prefix}: held by ${event.holder ?? 'somebody'}`
      if (event.reason === 'lock-delay') return `waiting for ${prefix}: its last holder was lost, the lock-delay runs`
      if (event.reason === 'local') return `waiting for ${prefix}: others on this host are first`
      return `waiting for ${prefix}: ${messageOf(event.error)}`
    case 'lock.acquired':
      return `acquired ${prefix} after ${formatDuration(event.waitMs)}, token ${event.token}`
    case 'lease.degraded':
      return `${prefix}: not renewed: ${messageOf(event.error)}`
    case 'child.signalled':
      return `sent ${event.signal} to the child (${causes[event.why]})`
    case 'lock.released':
      return event.report.lock === 'released' ? `released ${prefix}` : undefined
    default:
      return undefined
  }
}

const causes = {
  lost: 'the lock is lost',
  'stop-signal': 'we were told to stop',
  'max-runtime': 'its time is over',
  leftover: 'it left processes behind',
} as const
