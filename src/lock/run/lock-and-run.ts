import type {ConsulClient} from '../../core/client.js'
import {defaultGraceMs} from '../../core/consul-constants.js'
import {LockLostError, PermissionError} from '../../core/errors.js'
import {formatDuration} from '../../core/time/duration.js'
import type {ChildSpec} from '../../process/child-spec.js'
import type {Guardian} from '../../process/guardian/guardian.js'
import {bootTimeOf, defaultTtlMs} from '../../session/session.js'
import type {Hold, LockEvent, ReleaseReport} from '../types.js'
import {acquireGuarded, type GuardedHoldOptions} from './guarded-hold.js'
import {lockVariables, type RunEvent, type RunVerdict, runLocked, type StopRequests} from './run-locked.js'

export interface LockAndRunOptions extends Omit<GuardedHoldOptions, 'signal' | 'markedBy' | 'searchPath' | 'observer'> {
  /** The child. Its `env` is completed with the variables of the lock. */
  readonly child: Omit<ChildSpec, 'clock' | 'markedBy'>
  readonly maxRuntimeMs?: number
  readonly stops: StopRequests
  readonly observer: (event: LockEvent | RunEvent) => void
}

export interface LockAndRunResult {
  readonly verdict: Exclude<RunVerdict, {type: 'lost'}>
  readonly report: ReleaseReport
}

const markedBy = 'BATON_LOCK_SESSION'

/**
 * Does what `baton lock` does: acquires the lock, runs the child, stops what is left of it, and releases the lock.
 * Rejects if the lock was not acquired, was lost, or may not be released. In each case the child has ended, and the
 * release was tried.
 */
export async function lockAndRun(client: ConsulClient, options: LockAndRunOptions): Promise<LockAndRunResult> {
  const {child, stops} = options
  const {hold, guardian} = await acquireGuarded(client, {
    ...options,
    markedBy,
    signal: stops.signal,
    searchPath: child.env.PATH,
  })
  try {
    return await runAndRelease(client, hold, {...options, guardian})
  } finally {
    guardian?.released()
  }
}

async function runAndRelease(
  client: ConsulClient,
  hold: Hold,
  options: LockAndRunOptions & {readonly guardian: Guardian | undefined},
): Promise<LockAndRunResult> {
  let verdict: RunVerdict
  let report: ReleaseReport
  try {
    verdict = await run(client, hold, options)
  } finally {
    report = await hold.release()
  }
  if (verdict.type === 'lost') throw verdict.error
  if (report.lock === 'lost') {
    throw new LockLostError(`lock ${options.prefix}: lost while the child ran: another client released or took it`)
  }
  if (report.error instanceof PermissionError) {
    throw new PermissionError('BATON_ACL_DENIED', `lock ${options.prefix}: not released: ${report.error.message}`, {
      cause: report.error,
      status: report.error.status,
      text: report.error.text,
      hint: report.isSessionDestroyed
        ? 'its session was ended instead: it is free after the lock-delay'
        : `session ${hold.session} keeps it until it expires`,
    })
  }
  return {verdict, report}
}

function run(
  client: ConsulClient,
  hold: Hold,
  options: LockAndRunOptions & {readonly guardian: Guardian | undefined},
): Promise<RunVerdict> {
  const {child, limit, ttlMs, graceMs, maxRuntimeMs, stops, observer} = options
  const variables = lockVariables(hold, {
    ttl: formatDuration(ttlMs ?? defaultTtlMs),
    limit,
    datacenter: client.scope.datacenter,
  })
  return runLocked(hold, {
    child: {...child, env: {...child.env, ...variables}, markedBy, clock: client.clock},
    clock: client.clock,
    now: options.now ?? bootTimeOf(client),
    graceMs: graceMs ?? defaultGraceMs,
    ...(maxRuntimeMs !== undefined && {maxRuntimeMs}),
    stops,
    observer,
    guardian: options.guardian,
  })
}
