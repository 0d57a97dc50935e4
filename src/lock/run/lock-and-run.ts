import type {ClientOptions, ConsulClient} from '../../core/client.js'
import {LockLostError, LockNotAcquiredError, PermissionError} from '../../core/errors.js'
import {formatDuration} from '../../core/time/duration.js'
import type {SessionId} from '../../core/types.js'
import type {ChildSpec} from '../../process/child-spec.js'
import {Guardian} from '../../process/guardian/guardian.js'
import {bootTimeOf, defaultTtlMs} from '../../session/session.js'
import {defaultGraceMs} from '../acquire.js'
import {createMutex} from '../mutex.js'
import {createSemaphore} from '../semaphore.js'
import type {Hold, LockEvent, LockOptions, ReleaseReport} from '../types.js'
import {lockKey} from '../wire/names.js'
import {orphanRelease} from './orphan-release.js'
import {childEnvironment, type RunEvent, type RunVerdict, runLocked, type StopRequests} from './run-locked.js'

export interface LockAndRunOptions extends Omit<LockOptions, 'observer'> {
  /** Above 1: a semaphore. */
  readonly limit: number
  /** `once`: a single attempt. Milliseconds otherwise; absent waits for ever. */
  readonly timeout: number | 'once' | undefined
  /** Its `env` is what the child inherits. */
  readonly child: Omit<ChildSpec, 'clock' | 'markedBy'>
  readonly maxRuntimeMs?: number
  readonly stops: StopRequests
  readonly observer: (event: LockEvent | RunEvent) => void
  /** How the client was made: the guardian needs it to give the lock back after our death. */
  readonly connection: ClientOptions
}

export interface LockAndRunResult {
  readonly verdict: Exclude<RunVerdict, {type: 'lost'}>
  readonly report: ReleaseReport
}

const markedBy = 'BATON_LOCK_SESSION'

/**
 * The whole of `baton lock`: acquire, run the child, stop what is left of it, release. Rejects when the lock was not
 * acquired, was lost, or may not be released; the child is gone and the release tried in every case.
 */
export async function lockAndRun(client: ConsulClient, options: LockAndRunOptions): Promise<LockAndRunResult> {
  let guardian: Guardian | undefined
  const observer: LockAndRunOptions['observer'] = event => {
    if (event.type === 'lease.renewed' || event.type === 'lease.degraded') guardian?.deadline(event.deadline)
    if (event.type === 'session.created') {
      // Before the lock is asked for: we may be killed in the moment of the grant.
      guardian?.released()
      guardian = guard(client, event.session, options)
    }
    options.observer(event)
  }
  try {
    const hold = await acquire(client, {...options, observer})
    guardian?.deadline(hold.deadline)
    return await runAndRelease(client, hold, {...options, guardian})
  } finally {
    guardian?.released()
  }
}

/** Gives back what this session holds, or is about to hold, when we die. */
function guard(client: ConsulClient, session: SessionId, options: LockAndRunOptions): Guardian {
  return new Guardian({
    graceMs: options.graceMs ?? defaultGraceMs,
    marker: `${markedBy}=${session}`,
    searchPath: options.child.env.PATH,
    release: orphanRelease({key: lockKey(options.prefix), session}, {...options, scope: client.scope}),
    onFailure: why => options.observer({type: 'guardian.failed', why}),
  })
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
    throw new LockLostError(`lock ${options.prefix}: lost while the child ran: somebody else released it or took it`)
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

async function acquire(client: ConsulClient, options: LockAndRunOptions): Promise<Hold> {
  const {prefix, limit, timeout, stops} = options
  let holder = 'somebody else'
  const lockOptions: LockOptions = {
    ...options,
    observer: event => {
      if (event.type === 'lock.waiting' && event.holder !== undefined) holder = event.holder
      options.observer(event)
    },
  }
  const lock = limit > 1 ? createSemaphore(client, {...lockOptions, limit}) : createMutex(client, lockOptions)
  const {signal} = stops
  if (timeout === 'once') {
    const hold = await lock.tryAcquire({signal})
    if (!hold) throw new LockNotAcquiredError(`lock ${prefix}: not acquired: held by ${holder}`)
    return hold
  }
  return lock.acquire({signal, ...(timeout !== undefined && timeout > 0 && {timeoutMs: timeout})})
}

function run(
  client: ConsulClient,
  hold: Hold,
  options: LockAndRunOptions & {readonly guardian: Guardian | undefined},
): Promise<RunVerdict> {
  const {child, limit, ttlMs, graceMs, maxRuntimeMs, stops, observer} = options
  const env = childEnvironment(child.env, hold, {
    ttl: formatDuration(ttlMs ?? defaultTtlMs),
    limit,
    datacenter: client.scope.datacenter,
  })
  return runLocked(hold, {
    child: {...child, env, markedBy, clock: client.clock},
    clock: client.clock,
    now: options.now ?? bootTimeOf(client),
    graceMs: graceMs ?? defaultGraceMs,
    ...(maxRuntimeMs !== undefined && {maxRuntimeMs}),
    stops,
    observer,
    guardian: options.guardian,
  })
}
