import {linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {defaultGraceMs} from '../../core/consul-constants.js'
import {LockLostError, PermissionError} from '../../core/errors.js'
import type {ChildSpec} from '../../process/child-spec.js'
import type {Guardian} from '../../process/guardian/guardian.js'
import type {Launcher} from '../../process/launch.js'
import {bootTimeOf} from '../../session/session.js'
import type {LeasedHold} from '../hold.js'
import type {Hold, LockEvent, ReleaseReport} from '../types.js'
import {ownRecord} from '../wire/holder-record.js'
import type {RunRecord} from '../wire/run-records.js'
import {childSpec, lockVariables, sessionVariable, WaitingChild} from './child-under-lock.js'
import {acquireGuarded, type GuardedHoldOptions} from './guarded-hold.js'
import {type RunEvent, type RunLockedOptions, type RunVerdict, runLocked, type StopRequests} from './run-locked.js'
import {recordRun, runAlready, runsUnder, runWithin} from './run-log.js'

export interface LockAndRunOptions
  extends Omit<GuardedHoldOptions, 'signal' | 'markedBy' | 'searchPath' | 'observer'>,
    Pick<RunLockedOptions, 'maxRuntimeMs' | 'lossSignal' | 'leftover'> {
  /** The child. Its `env` is completed with the variables of the lock. */
  readonly child: Omit<ChildSpec, 'clock' | 'markedBy'>
  readonly stops: StopRequests
  /** Minimum time in milliseconds for which the lock is held, even if the child ends earlier. @default 0 */
  readonly minHoldMs?: number
  /**
   * Interval in milliseconds within which only one of all contenders runs the child. The others succeed without running
   * it.
   */
  readonly oncePerMs?: number
  /** True to record the run in a key beside the lock. Only for a mutex. @default false, or true with `oncePerMs` */
  readonly isRecorded?: boolean
  /** Called when the lock is held, before the child starts, with the environment variables that describe the lock. */
  readonly beforeChild?: (hold: Hold, variables: Readonly<Record<string, string>>) => Promise<void>
  readonly observer: (event: LockEvent | RunEvent) => void
}

/** Another contender has run the command within the interval. */
interface Skipped {
  readonly type: 'skipped'
  readonly run: RunRecord
}

export type LockAndRunResult =
  | {readonly verdict: Exclude<RunVerdict, {type: 'lost'}>; readonly report: ReleaseReport}
  | {readonly verdict: Skipped; readonly report: ReleaseReport | undefined}

/**
 * Does what `baton lock` does: acquires the lock, runs the child, stops the processes that the child left,
 * and releases the lock. Rejects if the lock was not acquired, was lost, or may not be released. Even then,
 * the child has ended and baton has tried to release the lock.
 */
export async function lockAndRun(client: ConsulClient, options: LockAndRunOptions): Promise<LockAndRunResult> {
  const {child, stops, prefix, oncePerMs} = options
  if (oncePerMs !== undefined) {
    // If another contender has already run the child within the interval, the lock need not be acquired.
    const run = await runAlready(client, prefix, {oncePerMs, signal: stops.signal})
    if (run) return {verdict: {type: 'skipped', run}, report: undefined}
  }
  using waiting = new WaitingChild(client, options)
  const {hold, guardian} = await acquireGuarded(client, {
    ...options,
    markedBy: sessionVariable,
    signal: stops.signal,
    searchPath: child.env.PATH,
    firstInQueue: session => waiting.prepare(session),
  })
  try {
    return await runAndRelease(client, hold, {...options, guardian, launch: waiting.launch})
  } finally {
    guardian?.released()
  }
}

type HeldRunOptions = LockAndRunOptions & {readonly guardian: Guardian | undefined; readonly launch: Launcher}

async function runAndRelease(
  client: ConsulClient,
  hold: LeasedHold,
  options: HeldRunOptions,
): Promise<LockAndRunResult> {
  let verdict: RunVerdict | Skipped
  let report: ReleaseReport
  let hasWaited = false
  const since = client.clock.monotonicMs()
  try {
    verdict = await runOnce(client, hold, options)
    if (verdict.type === 'exited') hasWaited = await keepAtLeast(client, hold, {...options, since})
  } finally {
    report = await hold.release()
  }
  if (verdict.type === 'lost') throw verdict.error
  if (verdict.type === 'skipped') return {verdict, report}
  // The work had already ended, and the lock was only kept for the minimum time, so the loss of the lock did no harm.
  const isHarmless = hasWaited && hold.signal.aborted
  if (report.lock === 'lost' && !isHarmless) {
    throw new LockLostError(`lock ${options.prefix}: lost while the child ran: another client released or took it`)
  }
  if (report.error instanceof PermissionError) throw notReleased(report.error, hold, report)
  return {verdict, report}
}

function notReleased(error: PermissionError, hold: Hold, report: ReleaseReport): PermissionError {
  const {message, status, text} = error
  return new PermissionError('BATON_ACL_DENIED', `lock ${hold.prefix}: not released: ${message}`, {
    cause: error,
    status,
    text,
    hint: report.isSessionDestroyed
      ? 'its session was ended instead: it is free after the lock-delay'
      : `session ${hold.session} keeps it until it expires`,
  })
}

/** Runs the child unless another contender has run it within the interval, and prepares the record of the run. */
async function runOnce(client: ConsulClient, hold: LeasedHold, options: HeldRunOptions): Promise<RunVerdict | Skipped> {
  const {prefix, oncePerMs, isRecorded = oncePerMs !== undefined, stops} = options
  if (!isRecorded) return run(client, hold, options)
  const earlier = await runsUnder(client, hold, stops)
  const within = oncePerMs === undefined ? undefined : runWithin(earlier, oncePerMs, client.clock.wallMs())
  if (within) return {type: 'skipped', run: within}
  const {since: startedAt, ...who} = ownRecord(client, options)
  const verdict = await run(client, hold, options)
  if (verdict.type === 'lost') return verdict
  const record: RunRecord = {
    startedAt,
    endedAt: new Date(client.clock.wallMs()).toISOString(),
    end: stops.signal.aborted ? 'stopped' : verdict.type,
    exit: verdict.exit.code,
    ...who,
    token: hold.token.toString(),
  }
  hold.writeAtRelease([recordRun(prefix, record, earlier)])
  return verdict
}

/**
 * Waits until the lock has been held for the minimum time. Resolves to false if no wait was needed. A stop
 * signal or the loss of the lock ends the wait.
 */
async function keepAtLeast(
  client: ConsulClient,
  hold: Hold,
  options: Pick<LockAndRunOptions, 'minHoldMs' | 'stops'> & {readonly since: number},
): Promise<boolean> {
  const {minHoldMs = 0, since, stops} = options
  const {clock} = client
  const leftMs = since + minHoldMs - clock.monotonicMs()
  if (leftMs <= 0 || stops.signal.aborted || hold.signal.aborted) return false
  using link = linkSignal(hold.signal)
  stops.onEach(() => link.abort(stops.signal.reason))
  await clock.sleep(leftMs, link.signal).catch(() => {})
  return true
}

async function run(client: ConsulClient, hold: Hold, options: HeldRunOptions): Promise<RunVerdict> {
  const {graceMs, maxRuntimeMs, lossSignal, leftover, stops, observer, beforeChild, launch} = options
  await beforeChild?.(hold, lockVariables(client, hold, options))
  return runLocked(hold, {
    child: childSpec(client, hold, options),
    clock: client.clock,
    now: options.now ?? bootTimeOf(client),
    graceMs: graceMs ?? defaultGraceMs,
    ...(maxRuntimeMs !== undefined && {maxRuntimeMs}),
    ...(lossSignal !== undefined && {lossSignal}),
    ...(leftover !== undefined && {leftover}),
    stops,
    launch,
    observer,
    guardian: options.guardian,
  })
}
