import {linkSignal} from '../../core/cancel/link-signal.js'
import {ReleaseStack} from '../../core/cancel/release-stack.js'
import {defaultGraceMs} from '../../core/consul-constants.js'
import type {JobDelivery} from '../reports.js'
import type {ExecEvent, ExecRun, NodeSelector} from '../types.js'
import {EventQueue} from './event-queue.js'
import {
  defaultHeartbeatMs,
  type InitiatorSettings,
  type OpenContext,
  type Opener,
  openersFor,
  type RunRequest,
} from './open.js'
import {type Plan, planNodes, uncheckedNodes} from './plan.js'
import {Run} from './run.js'
import {compileSelector} from './selector.js'
import {findTargets} from './targets.js'
import {Tracker} from './tracker.js'

/** Time that a responder may need beyond the timeout and the grace: its writes and the initiator's reads. */
const reportingSlackMs = 5000

/** Finds the nodes, writes the job and starts to follow it. Rejects if the job cannot be written: then nothing runs. */
export async function startRun(
  settings: InitiatorSettings,
  request: RunRequest,
  signal?: AbortSignal,
): Promise<ExecRun> {
  const {client} = settings
  const startedAtMs = client.clock.monotonicMs()
  using starting = linkSignal(signal)
  const plan = await findPlan(settings, request.selector, starting.signal)
  const events = new EventQueue<ExecEvent>()
  events.push({type: 'targets', nodes: plan.expected, serviceNamesMatched: plan.serviceNamesMatched})
  const deliveries = await startAll(openersFor(settings, request, plan), {events, signal: starting.signal})
  const stopWithinMs = (settings.killAfterMs ?? defaultGraceMs) + reportingSlackMs
  const beatMs = request.job.heartbeatMs
  const tracker = new Tracker({
    expected: plan.expected,
    unchecked: request.isDryRun ? uncheckedNodes(plan) : [],
    startMs: client.clock.monotonicMs(),
    ackTimeoutMs: settings.ackTimeoutMs ?? 5000,
    timeoutMs: request.job.timeoutMs,
    heartbeatMs: {native: beatMs ?? defaultHeartbeatMs.native, rexec: beatMs ?? defaultHeartbeatMs.rexec},
    timeoutGraceMs: {native: stopWithinMs, rexec: 0},
  })
  const id = deliveries[0]?.id ?? ''
  const parts = {client, id, deliveries, tracker, events, startedAtMs, isDryRun: request.isDryRun}
  return new Run({...parts, cancelPatienceMs: stopWithinMs}, signal)
}

/** Finds the nodes that a selector matches, and the way to each. */
export async function findPlan(
  {client, via = 'auto'}: InitiatorSettings,
  selector: NodeSelector,
  signal: AbortSignal,
): Promise<Plan> {
  const compiled = await compileSelector(selector)
  return planNodes(via, await findTargets(client, compiled, {signal}), compiled)
}

/** If one delivery cannot start, all that were opened are closed again. */
async function startAll(openers: readonly Opener[], context: OpenContext): Promise<readonly JobDelivery[]> {
  const releases = new ReleaseStack()
  try {
    const deliveries: JobDelivery[] = []
    for (const open of openers) deliveries.push(releases.use(await open(context)))
    for (const delivery of deliveries) await delivery.start(context.signal)
    return deliveries
  } catch (error) {
    await releases[Symbol.asyncDispose]().catch(() => {})
    throw error
  }
}
