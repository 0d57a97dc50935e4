import {messageOf, PermissionError} from '../../core/errors.js'
import {formatDuration} from '../../core/time/duration.js'
import type {RunEvent} from '../../lock/run/run-locked.js'
import type {LockEvent, ReleaseReport} from '../../lock/types.js'

export type AnyLockEvent = LockEvent | RunEvent

/**
 * Returns one line of `--events`. Its type and field names are part of the public interface; 64-bit numbers are
 * strings.
 */
export const toEventLine = (event: AnyLockEvent, facts: {readonly prefix: string; readonly wallMs: number}): string => {
  const line = {time: new Date(facts.wallMs).toISOString(), prefix: facts.prefix, ...event}
  return JSON.stringify(line, (_key, value: unknown) => {
    if (typeof value === 'bigint') return value.toString()
    return value instanceof Error ? messageOf(value) : value
  })
}

/** Returns the line of `--verbose` for an event; undefined for most events. */
export function toProgress(event: AnyLockEvent, prefix: string): string | undefined {
  switch (event.type) {
    case 'lock.waiting':
      if (event.reason === 'lock-delay')
        return `waiting for ${prefix}: free, but the lock-delay runs after its last holder was lost`
      if (event.reason === 'queue') return `waiting for ${prefix}: free, but others have waited longer`
      if (event.reason === 'local') return `waiting for ${prefix}: other contenders on this host are first`
      // No line is needed, because the client itself reports that it waits for Consul.
      return undefined
    case 'queue.passed-over':
      return `took ${prefix} although session ${event.session} was first: ${idleness[event.reason]}`
    case 'lock.handed-over':
      return `handed ${prefix} to session ${event.session}`
    case 'lock.acquired':
      return `acquired ${prefix} after ${formatDuration(event.waitMs)}, token ${event.token}`
    case 'child.signalled':
      return `sent ${event.signal} to the child (${causes[event.why]})`
    case 'lock.released':
      return event.report.lock === 'released' ? `released ${prefix}` : undefined
    default:
      return undefined
  }
}

/** Returns the warning for an event that is shown even without `--verbose`. */
export function toWarning(event: AnyLockEvent, prefix: string): string | undefined {
  switch (event.type) {
    case 'queue.left':
      return `lock ${prefix}: waits in no order, as consul lock does: ${toLeaveReason(event)}`
    case 'queue.unshared':
      return `lock ${prefix}: --fair=share has no effect: the token may not read sessions, so a waiting consul lock is not seen`
    case 'guardian.failed':
      return `lock ${prefix}: no guardian (${event.why}): if baton is killed, the command keeps running without its lock`
    case 'child.leftover':
      return `lock ${prefix}: ${leftovers[event.action]}`
    case 'run.unrecorded':
      return `lock ${prefix}: the run is not recorded: ${messageOf(event.error)}`
    case 'lock.released':
      return toReleaseWarning(event.report, prefix)
    case 'session.expiring': {
      const within = formatDuration(event.withinMs)
      return `lock ${prefix}: Consul did not confirm the end of session ${event.session}: it expires within ${within}`
    }
    default:
      return undefined
  }
}

function toReleaseWarning({lock, error}: ReleaseReport, prefix: string): string | undefined {
  // If Consul refused the request, the command ends with that error, so no warning is needed.
  if (error === undefined || error instanceof PermissionError) return undefined
  const why = messageOf(error)
  if (lock === 'held') return `lock ${prefix}: not released (${why}): it is held until its session expires`
  if (lock === 'unknown')
    return `lock ${prefix}: perhaps not released (${why}): it may be held until its session expires`
  return `lock ${prefix}: released only by the end of its session (${why}): it is free after the lock-delay`
}

const leftovers = {
  stop: 'stopped processes that the command left running',
  wait: 'the command has ended, but processes that it left are running: the lock is held until they end',
  leave: 'the command left processes that run on without the lock',
} as const

const idleness = {unproven: 'it did not answer', idle: 'it did not take the free lock'} as const

const toLeaveReason = (event: Extract<AnyLockEvent, {type: 'queue.left'}>): string =>
  event.reason === 'denied'
    ? `the token may not write to its queue (${messageOf(event.error)})`
    : `session ${event.session} waits in the queue of another version of baton`

const causes = {
  lost: 'lock lost',
  'stop-signal': 'stop signal received',
  'max-runtime': 'maximum runtime reached',
  leftover: 'leftover processes',
} as const
