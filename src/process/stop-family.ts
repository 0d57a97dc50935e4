import type {Clock} from '../core/types.js'
import {type Family, isGroupGone, livingMembers, signalFamily} from './family.js'

export interface StopOptions {
  readonly clock: Clock
  /** Time between TERM and KILL. */
  readonly graceMs: number
  /** Cuts the grace short when it aborts. */
  readonly hurry?: AbortSignal
  readonly onSignal?: (signal: 'SIGTERM' | 'SIGKILL') => void
  /** False when the family has already been asked to stop by another signal. @default true */
  readonly term?: boolean
}

const firstLookMs = 5
const longestLookMs = 50

/**
 * TERM, the grace, then KILL until nobody is left; resolves only then. TERM is followed by CONT, so that stopped members
 * get it too. A member that cannot be killed (state D, another user's) keeps this waiting: nothing may be released over its head.
 */
export async function stopFamily(family: Family, options: StopOptions): Promise<void> {
  const {clock, graceMs, hurry} = options
  if (isGroupGone(family)) return
  if (options.term !== false) {
    if (signalFamily(family, 'SIGTERM') === 0) return
    signalFamily(family, 'SIGCONT')
    options.onSignal?.('SIGTERM')
  }
  const killAtMs = clock.monotonicMs() + graceMs
  const pause = createPause(clock, hurry)
  while (clock.monotonicMs() < killAtMs && hurry?.aborted !== true) {
    if (livingMembers(family).length === 0) return
    await pause(killAtMs - clock.monotonicMs())
  }
  const rest = createPause(clock, undefined)
  for (let isFirst = true; signalFamily(family, 'SIGKILL') > 0; isFirst = false) {
    if (isFirst) options.onSignal?.('SIGKILL')
    await rest(longestLookMs)
  }
}

/** Waits a little longer each time, and no longer once `hurry` aborts. */
function createPause(clock: Clock, hurry: AbortSignal | undefined): (mostMs: number) => Promise<void> {
  let lookMs = firstLookMs
  return async mostMs => {
    const ms = Math.min(lookMs, Math.max(0, mostMs))
    lookMs = Math.min(longestLookMs, lookMs * 1.5)
    await clock.sleep(ms, hurry).catch(() => {})
  }
}
