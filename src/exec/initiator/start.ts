import {linkSignal} from '../../core/cancel/link-signal.js'
import {ReleaseStack} from '../../core/cancel/release-stack.js'
import {defaultGraceMs} from '../../core/consul-constants.js'
import {signedVersion} from '../native/versions.js'
import type {JobDelivery} from '../reports.js'
import type {ExecEvent, ExecRun, NodeSelector} from '../types.js'
import {EventQueue} from './event-queue.js'
import type {KeyRefusal} from './known-responders.js'
import {
  datacenterOf,
  defaultHeartbeatMs,
  type InitiatorSettings,
  type OpenContext,
  type Opener,
  openersFor,
  type RunRequest,
} from './open.js'
import {type Plan, planNodes, uncheckedNodes, withoutNodes} from './plan.js'
import {Run} from './run.js'
import {compileSelector} from './selector.js'
import {findTargets} from './targets.js'
import {Tracker} from './tracker.js'

/**
 * Additional time that a responder may need after the timeout and the grace period, for its writes and the initiator's
 * reads.
 */
export const reportingSlackMs = 5000

/**
 * Finds the nodes, writes the job and starts to follow it. Rejects if the job cannot be written, in which case nothing
 * runs.
 */
export async function startRun(
  settings: InitiatorSettings,
  request: RunRequest,
  signal?: AbortSignal,
): Promise<ExecRun> {
  const {client} = settings
  const startedAtMs = client.clock.monotonicMs()
  using starting = linkSignal(signal)
  const whole = await findPlan(settings, request.selector, starting.signal)
  const refused = await refuseKeys(settings, whole, starting.signal)
  const plan = withoutNodes(whole, new Set(refused.map(({node}) => node)))
  const events = new EventQueue<ExecEvent>()
  events.push({type: 'targets', nodes: plan.expected, serviceNamesMatched: plan.serviceNamesMatched})
  const deliveries = await startAll(openersFor(settings, request, plan), {events, signal: starting.signal})
  const stopWithinMs = (settings.killAfterMs ?? defaultGraceMs) + reportingSlackMs
  const beatMs = request.job.heartbeatMs
  const tracker = new Tracker({
    expected: plan.expected,
    refused,
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

/**
 * Finds the nodes that a selector matches, and how each is reached. With `isAnyState`, includes responders whose check
 * does not pass.
 */
export async function findPlan(
  {client, via = 'auto'}: InitiatorSettings,
  selector: NodeSelector,
  signal: AbortSignal,
  isAnyState = false,
): Promise<Plan> {
  const compiled = await compileSelector(selector)
  return planNodes(via, await findTargets(client, compiled, {signal, isAnyState}), compiled)
}

/** Resolves with the nodes that do not receive the job, because no known key could verify their answers. */
export async function refuseKeys(
  settings: InitiatorSettings,
  plan: Pick<Plan, 'responders' | 'agents'>,
  signal: AbortSignal,
): Promise<readonly KeyRefusal[]> {
  const {knownRespondersFile: path, isListOnly = false, mustBeSigned = false} = settings
  const all = [...plan.responders.values()].flat()
  const refusals: KeyRefusal[] = []
  if (path !== undefined && all.length > 0) {
    const {compareKeys} = await import('./known-responders.js')
    const datacenter = await datacenterOf(settings.client, signal)
    refusals.push(...(await compareKeys(all, {path, datacenter, isListOnly})))
  }
  if (!mustBeSigned) return refusals
  const isRefused = new Set(refusals.map(({node}) => node))
  const unsigned = [
    ...[...plan.responders].flatMap(([version, targets]) =>
      targets.filter(({answerKey}) => version < signedVersion || answerKey === undefined).map(({name}) => name),
    ),
    ...plan.agents,
  ]
  return [
    ...refusals,
    ...unsigned
      .filter(node => !isRefused.has(node))
      .map(node => ({node, code: 'unsigned-answers', reason: 'it does not sign its answers'}) as const),
  ]
}

/** If one delivery cannot start, all deliveries that were opened are closed again. */
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
