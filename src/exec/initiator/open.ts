import type {KeyObject} from 'node:crypto'
import {hostname, userInfo} from 'node:os'
import type {ConsulClient} from '../../core/client.js'
import {defaultGraceMs} from '../../core/consul-constants.js'
import {messageOf, RefusedError} from '../../core/errors.js'
import type {SigningKey} from '../native/envelope.js'
import {publicKeyOf} from '../native/keys.js'
import {checkedVersion} from '../native/versions.js'
import type {JobFacts} from '../native/write-job.js'
import type {JobDelivery} from '../reports.js'
import {openRexecDelivery, type RexecOptions} from '../rexec/delivery.js'
import type {ExecEvent, JobSpec, NodeSelector, Via} from '../types.js'
import type {EventQueue} from './event-queue.js'
import type {InitiatorOptions} from './options.js'
import type {Plan} from './plan.js'
import type {ResponderTarget} from './targets.js'

export type InitiatorSettings = InitiatorOptions & {readonly client: ConsulClient}

export interface RunRequest {
  readonly job: JobSpec
  readonly selector: NodeSelector
  readonly isDryRun: boolean
}

export interface OpenContext {
  readonly events: EventQueue<ExecEvent>
  readonly signal: AbortSignal
}
export type Opener = (context: OpenContext) => Promise<JobDelivery>

export const defaultHeartbeatMs = {native: 15_000, rexec: 2000} as const

/**
 * Returns functions, each of which opens one way to send the job: one function for the responders of each protocol
 * version, and one for the plan's agents. For a dry run, leaves out nodes that cannot check a job without running it.
 */
export function openersFor(settings: InitiatorSettings, request: RunRequest, plan: Plan): readonly Opener[] {
  const {isDryRun} = request
  const versions = [...plan.responders].filter(([version]) => !isDryRun || version >= checkedVersion)
  return [
    ...versions.map(([version, nodes]) => nativeOpener(settings, request, {version, nodes})),
    ...(plan.agents.length > 0 && !isDryRun ? [rexecOpener(settings, request, plan)] : []),
  ]
}

const onRetry =
  (events: EventQueue<ExecEvent>, via: Via) =>
  (error: unknown): void =>
    events.push({type: 'retrying', via, reason: messageOf(error)})

function rexecOpener(settings: InitiatorSettings, {job, selector}: RunRequest, plan: Plan): Opener {
  const {node, service, tag} = selector
  const filter = {
    ...(node !== undefined && {node}),
    ...(service !== undefined && {service}),
    ...(tag !== undefined && {tag}),
  }
  const reach: RexecOptions['reach'] = plan.isSelectorEnough ? filter : {names: plan.agents}
  return ({events, signal}) =>
    openRexecDelivery(
      {
        client: settings.client,
        command: job.command,
        prefix: settings.prefix ?? '_rexec',
        waitMs: job.heartbeatMs ?? defaultHeartbeatMs.rexec,
        replicationWaitMs: settings.replicationWaitMs ?? 0,
        reach,
        onRetry: onRetry(events, 'rexec'),
        onNotice: notice => events.push(notice),
      },
      signal,
    )
}

function nativeOpener(
  settings: InitiatorSettings,
  {job, isDryRun}: RunRequest,
  {version, nodes}: {readonly version: number; readonly nodes: readonly ResponderTarget[]},
): Opener {
  return async ({events, signal}) => {
    const keys = await signingKeys(settings)
    // Imported on demand: a run that uses only Consul's own remote execution starts faster without this module.
    const {openNativeDelivery} = await import('../native/delivery.js')
    const names = nodes.map(({name}) => name)
    return openNativeDelivery(
      {
        ...(await jobFacts(settings, {job, isDryRun, version, nodes: names}, signal)),
        answerKeys: answerKeysOf(nodes),
        keys,
        onRetry: onRetry(events, 'native'),
        onForeign: node => events.push({type: 'foreign', node}),
        onForged: node => events.push({type: 'forged', node}),
      },
      signal,
    )
  }
}

/** Returns the content of the manifest for these nodes, without ID, session and times. */
export async function jobFacts(
  settings: InitiatorSettings,
  {job, ...rest}: Pick<RunRequest, 'job'> & Pick<JobFacts, 'isDryRun' | 'version' | 'nodes'>,
  signal: AbortSignal,
): Promise<JobFacts> {
  const {client} = settings
  return {
    ...rest,
    client,
    command: job.command,
    datacenter: await datacenterOf(client, signal),
    cluster: settings.cluster ?? '',
    timeoutMs: job.timeoutMs ?? Number.POSITIVE_INFINITY,
    killAfterMs: settings.killAfterMs ?? defaultGraceMs,
    heartbeatMs: job.heartbeatMs ?? defaultHeartbeatMs.native,
    maxOutputBytes: settings.maxOutputBytes ?? 1024 * 1024,
    requester: {name: settings.requester ?? userName(), host: hostname()},
  }
}

/** Resolves with the name of the datacenter that the nodes belong to. */
export const datacenterOf = async (client: ConsulClient, signal: AbortSignal): Promise<string> =>
  client.scope.datacenter ?? (await client.agent.self({signal})).datacenter

export function answerKeysOf(
  responders: readonly Pick<ResponderTarget, 'name' | 'answerKey'>[],
): ReadonlyMap<string, KeyObject> {
  const keys = new Map<string, KeyObject>()
  for (const {name, answerKey} of responders) {
    const key = answerKey === undefined ? undefined : publicKeyOf(answerKey)
    if (key) keys.set(name, key)
  }
  return keys
}

/**
 * Resolves with the keys that sign the job. Rejects with a RefusedError if there are none, unless the job is to be sent
 * unsigned.
 */
export async function signingKeys({keys = [], isUnsigned}: InitiatorOptions): Promise<readonly SigningKey[]> {
  if (isUnsigned === true) return []
  const all = typeof keys === 'function' ? await keys() : keys
  if (all.length === 0) {
    throw new RefusedError('exec: these nodes run responders, but there is no key to sign the job', {
      hint: "give `keys`, or reach the agents themselves (`via: 'rexec'`)",
    })
  }
  return all
}

/** Returns the name of the process's user. In a container, the user may have no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}
