import {linkSignal} from '../../../core/cancel/link-signal.js'
import {createJobId} from '../../native/job-id.js'
import type {ExecRun, JobSpec, NodeSelector, RolloutOptions} from '../../types.js'
import type {InitiatorSettings} from '../open.js'
import {findPlan, startRun} from '../start.js'
import {HealthGate} from './health-gate.js'
import {Rollout} from './rollout.js'

interface RolloutRequest {
  readonly job: JobSpec
  readonly selector: NodeSelector
  readonly rollout: RolloutOptions
}

/**
 * Finds the nodes and starts the first batch. Rejects if the nodes or the service cannot be read, in which case nothing
 * runs.
 */
export async function startRollout(
  settings: InitiatorSettings,
  {job, selector, rollout}: RolloutRequest,
  signal?: AbortSignal,
): Promise<ExecRun> {
  const {client} = settings
  const startedAtMs = client.clock.monotonicMs()
  using starting = linkSignal(signal)
  const {expected, serviceNamesMatched, consulNodes} = await findPlan(settings, selector, starting.signal)
  const nodes = new Set(expected.map(({node}) => consulNodes.get(node) ?? node))
  const {untilHealthy} = rollout
  const gate =
    untilHealthy === undefined || nodes.size === 0
      ? undefined
      : await HealthGate.open(client, untilHealthy, {nodes, signal: starting.signal})
  return new Rollout(
    {
      client,
      id: createJobId(client.clock.wallMs()),
      expected,
      serviceNamesMatched,
      options: rollout,
      gate,
      consulNodes,
      startedAtMs,
      start: (names, stop) => startRun(settings, {job, selector: {names}, isDryRun: false}, stop),
    },
    signal,
  )
}
