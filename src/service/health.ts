import type {CheckState} from '../core/api/agent.js'
import {type Probe, type ProbeContext, type ProbeResult, runProbe} from './probe.js'

const rank: Readonly<Record<CheckState, number>> = {passing: 0, warning: 1, critical: 2}

/** Length at which Consul cuts the notes of checks. */
const mostNoteBytes = 4096

/** Returns the worst of several results, with the notes of all. Without any result, a service is passing. */
function worst(results: readonly ProbeResult[]): ProbeResult {
  const state = results.reduce<CheckState>((so, {state: one}) => (rank[one] > rank[so] ? one : so), 'passing')
  return {
    state,
    note: results
      .map(({note}) => note)
      .join('\n')
      .slice(0, mostNoteBytes),
  }
}

export interface HealthOptions extends Omit<ProbeContext, 'signal'> {
  readonly probes: readonly Probe[]
  /** Time between the end of one round of probes and the beginning of the next one. */
  readonly intervalMs: number
  /** Receives the result of every round. */
  readonly onResult: (result: ProbeResult) => void
}

/** Runs all probes at the same time, in rounds, until the signal aborts. */
export async function followHealth(options: HealthOptions, signal: AbortSignal): Promise<void> {
  const {probes, clock, intervalMs} = options
  for (;;) {
    const result = worst(await Promise.all(probes.map(probe => runProbe(probe, {...options, signal}))))
    if (signal.aborted) return
    options.onResult(result)
    // After a failed round, the next round follows sooner, so that a service is passing soon after it has started.
    const delayMs = result.state === 'passing' ? intervalMs : Math.min(intervalMs, 1000)
    try {
      await clock.sleep(delayMs, signal)
    } catch {
      return
    }
  }
}
