import type {Clock} from '../core/types.js'
import {type Family, isGroupGone, livingMembers, signalFamily, signalProcess} from './family.js'
import type {ProcessEntry} from './process-table.js'

export interface StopOptions {
  readonly clock: Clock
  /** Time between the first signal and KILL. */
  readonly graceMs: number
  /** Aborting this signal ends the grace early. */
  readonly hurry?: AbortSignal
  /** Called with the signal after the first signal was sent to the family, and again after KILL was sent. */
  readonly onSignal?: (signal: NodeJS.Signals) => void
  /** First signal, which asks the family to stop. @default 'SIGTERM' */
  readonly signal?: NodeJS.Signals
}

const firstLookMs = 5
const longestLookMs = 50

/**
 * Sends TERM, waits for the grace, then sends KILL, and resolves when no member is left. CONT follows TERM, so that
 * suspended members receive TERM. A member that cannot be killed (in state D, or of another user) delays the result,
 * because the caller must not release a lock while that member runs.
 */
export async function stopFamily(family: Family, options: StopOptions): Promise<void> {
  const {clock, graceMs, hurry, signal = 'SIGTERM'} = options
  if (isGroupGone(family)) return
  const reached = signalFamily(family, signal)
  if (reached.length === 0) return
  signalFamily(family, 'SIGCONT')
  options.onSignal?.(signal)
  const asked = new Map(reached.map(({pid, startedAt}) => [pid, startedAt]))
  const killAtMs = clock.monotonicMs() + graceMs
  const pause = createPause(clock, hurry)
  while (clock.monotonicMs() < killAtMs && hurry?.aborted !== true) {
    const living = livingMembers(family)
    if (living.length === 0) return
    askStragglers(living, asked, signal)
    await pause(killAtMs - clock.monotonicMs())
  }
  const rest = createPause(clock, undefined)
  for (let isFirst = true; signalFamily(family, 'SIGKILL').length > 0; isFirst = false) {
    if (isFirst) options.onSignal?.('SIGKILL')
    await rest(longestLookMs)
  }
}

/**
 * Signals members that were forked after the processes were listed and therefore missed the signal. Such a
 * member is signalled once its parent has ended: until then it may be part of the parent's clean-up, for
 * which the parent has the whole grace.
 */
function askStragglers(living: readonly ProcessEntry[], asked: Map<number, number>, signal: NodeJS.Signals): void {
  const pids = new Set(living.map(({pid}) => pid))
  for (const {pid, parent, startedAt} of living) {
    if (asked.get(pid) === startedAt || pids.has(parent)) continue
    asked.set(pid, startedAt)
    signalProcess(pid, signal)
    signalProcess(pid, 'SIGCONT')
  }
}

/** Creates a pause that grows with each call and ends when `hurry` aborts. */
function createPause(clock: Clock, hurry: AbortSignal | undefined): (mostMs: number) => Promise<void> {
  let lookMs = firstLookMs
  return async mostMs => {
    const ms = Math.min(lookMs, Math.max(0, mostMs))
    lookMs = Math.min(longestLookMs, lookMs * 1.5)
    await clock.sleep(ms, hurry).catch(() => {})
  }
}
