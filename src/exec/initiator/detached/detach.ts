import {linkSignal} from '../../../core/cancel/link-signal.js'
import {defaultGraceMs} from '../../../core/consul-constants.js'
import {UsageError} from '../../../core/errors.js'
import {formatDuration} from '../../../core/time/duration.js'
import type {DetachedRun, DetachOptions, PreparedRun} from '../../initiator-types.js'
import type {writeDetachedJob} from '../../native/detached-job.js'
import {newestVersion, signedVersion} from '../../native/versions.js'
import type {JobSpec, NodeSelector} from '../../types.js'
import {type InitiatorSettings, jobFacts, signingKeys} from '../open.js'
import type {Plan} from '../plan.js'
import {findPlan, refuseKeys, reportingSlackMs} from '../start.js'

const defaultKeepMs = 3_600_000
const defaultWindowMs = 60_000
/**
 * Default time within which a prepared job must be signed, submitted and begun. Responders refuse a longer time by
 * default.
 */
const prepareWindowMs = 300_000
/** Maximum TTL of a session in Consul. */
const longestKeepMs = 86_400_000

interface DetachRequest {
  readonly job: JobSpec
  readonly selector: NodeSelector
  readonly options: DetachOptions
}

/** Writes a job that continues without this process. Rejects if it cannot be written, in which case nothing runs. */
export async function detachRun(settings: InitiatorSettings, request: DetachRequest): Promise<DetachedRun> {
  const {writeDetachedJob} = await import('../../native/detached-job.js')
  return createDetached(settings, request, {create: writeDetachedJob, defaultWindowMs})
}

/** Signs a job that can be written later, perhaps after others have also signed it. Runs nothing. */
export async function prepareRun(settings: InitiatorSettings, request: DetachRequest): Promise<PreparedRun> {
  const {prepareJob} = await import('../../native/detached-job.js')
  let document: Uint8Array = new Uint8Array()
  const create: typeof writeDetachedJob = async (options, signal) => {
    const {manifest, value} = await prepareJob(options, signal)
    document = value
    return manifest
  }
  const prepared = await createDetached(settings, request, {create, defaultWindowMs: prepareWindowMs})
  return {...prepared, document}
}

async function createDetached(
  settings: InitiatorSettings,
  {job, selector, options}: DetachRequest,
  {create, defaultWindowMs}: {readonly create: typeof writeDetachedJob; readonly defaultWindowMs: number},
): Promise<DetachedRun> {
  const {client} = settings
  const {keepMs = defaultKeepMs, windowMs} = options
  const timeoutMs = limitTime(job.timeoutMs, settings, {keepMs, windowMs: windowMs ?? defaultWindowMs})
  if (settings.via === 'rexec') throw new UsageError('exec: agents do not run detached jobs, only responders do')
  using starting = linkSignal(options.signal)
  const {signal} = starting
  const plan = await findPlan(settings, selector, signal, windowMs !== undefined)
  const refused = [...(await refuseKeys(settings, plan, signal)), ...unreachable(plan, windowMs !== undefined)]
  const isRefused = new Set(refused.map(({node}) => node))
  const nodes = plan.expected.map(({node}) => node).filter(node => !isRefused.has(node))
  const nowMs = client.clock.wallMs()
  const times = {beginsUntilMs: nowMs + (windowMs ?? defaultWindowMs), keptUntilMs: nowMs + keepMs}
  const distinct = [...new Map(refused.map(one => [one.node, one])).values()]
  if (nodes.length === 0) return {id: '', nodes, refused: distinct, ...times}
  const facts = await jobFacts(
    settings,
    {job: {...job, timeoutMs}, isDryRun: false, version: newestVersion, nodes},
    signal,
  )
  const keys = await signingKeys(settings)
  const manifest = await create({...facts, keys, keepMs, windowMs: windowMs ?? defaultWindowMs}, signal)
  const {id, expiresAtMs: beginsUntilMs, keptUntilMs = times.keptUntilMs} = manifest
  return {id, nodes, refused: distinct, beginsUntilMs, keptUntilMs}
}

/**
 * Returns the timeout of a detached job. Such a job always has one, because every node, even one that begins at the
 * last moment, must write its result before Consul removes the job.
 */
function limitTime(
  timeoutMs: number | undefined,
  {killAfterMs = defaultGraceMs}: InitiatorSettings,
  {keepMs, windowMs}: {readonly keepMs: number; readonly windowMs: number},
): number {
  if (keepMs > longestKeepMs) throw new UsageError('exec: Consul keeps a job for at most 24h')
  const mostMs = Math.floor(keepMs - windowMs - killAfterMs - reportingSlackMs)
  if (mostMs >= (timeoutMs ?? 1)) return timeoutMs ?? mostMs
  const spent = `${formatDuration(windowMs)} to begin, ${formatDuration(killAfterMs)} to stop and ${formatDuration(reportingSlackMs)} to report`
  const what = timeoutMs === undefined ? 'no time for the command' : `not ${formatDuration(timeoutMs)}`
  throw new UsageError(`exec: a job that is kept for ${formatDuration(keepMs)} leaves ${what}, beside ${spent}`, {
    hint: 'keep it longer, or give the nodes less time',
  })
}

/**
 * Returns the nodes that match but cannot run a detached job. If `mayComeLate` is true, leaves out responders that are
 * not running now, because they may start while nodes may still begin the job.
 */
function unreachable(plan: Plan, mayComeLate: boolean): DetachedRun['refused'] {
  const old = [...plan.responders].flatMap(([version, targets]) => (version < signedVersion ? targets : []))
  const absent = plan.expected.filter(({absence}) => absence !== undefined)
  return [
    ...plan.agents.map(node => toRefusal(node, 'it has no responder')),
    ...old.map(({name}) => toRefusal(name, 'its responder is older')),
    ...absent
      .filter(({absence}) => !mayComeLate || absence === 'other-name')
      .map(({node}) => toRefusal(node, 'it has no passing responder of this name')),
  ]
}

const toRefusal = (node: string, reason: string): DetachedRun['refused'][number] => ({
  node,
  code: 'not-detachable',
  reason: `${reason}, and only responders run detached jobs`,
})
