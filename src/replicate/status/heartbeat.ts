import {Wake} from '../../core/time/wake.js'
import type {CompleteOptions} from '../complete-options.js'
import type {MappingWorker, Stops} from '../pass/worker.js'
import type {ReplicatorPhase, ReplicatorReport} from './replicator-report.js'

/** Minimum time between two writes of a report, even if the state changes often. */
const leastPauseMs = 1000

/**
 * Writes a mapping's report at intervals, and when the state of the mapping changes, until stopped. The last report
 * says that the replicator has stopped.
 */
export async function keepReporting(
  worker: MappingWorker,
  options: CompleteOptions,
  {stop, kill}: Stops,
): Promise<void> {
  const {clock, heartbeatMs} = options
  const turned = new Wake()
  worker.monitor.onTurn = () => turned.wake()
  try {
    while (!stop.aborted) {
      await clock.sleep(leastPauseMs, stop)
      await turned.waitAtMost(heartbeatMs - leastPauseMs, {clock, signal: stop})
      await reportOnce(worker, options, {phase: 'running', signal: stop})
    }
  } catch (error) {
    if (!stop.aborted) throw error
  }
  await reportOnce(worker, options, {phase: 'stopped', signal: kill})
}

/** A report that cannot be written is logged by the status keeper, so the failure is ignored here. */
export async function reportOnce(
  worker: MappingWorker,
  options: CompleteOptions,
  {phase, signal}: {readonly phase: ReplicatorPhase; readonly signal: AbortSignal},
): Promise<void> {
  await worker.report(reportOf(worker, options, phase), signal)
}

function reportOf(worker: MappingWorker, options: CompleteOptions, phase: ReplicatorPhase): ReplicatorReport {
  const {mapping, state, lagMs, currentAtMs, equalAtMs, held, refused, hidden, retrying} = worker.monitor.status()
  return {
    ...options.identity,
    phase,
    datacenter: mapping.datacenter,
    heartbeatMs: options.clock.wallMs(),
    everyMs: phase === 'running' ? options.heartbeatMs : 0,
    ...{state, lagMs, currentAtMs, equalAtMs, held, refused, hidden, retrying},
  }
}
