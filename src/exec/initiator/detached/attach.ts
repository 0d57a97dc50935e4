import {linkSignal} from '../../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../../core/client.js'
import {messageOf} from '../../../core/errors.js'
import type {AttachedRun, AttachOptions} from '../../initiator-types.js'
import type {Manifest} from '../../native/manifest.js'
import type {ExecEvent, ExpectedNode} from '../../types.js'
import {EventQueue} from '../event-queue.js'
import {answerKeysOf, datacenterOf, defaultHeartbeatMs, type InitiatorSettings, signingKeys} from '../open.js'
import {Run} from '../run.js'
import {refuseKeys, reportingSlackMs} from '../start.js'
import {type ResponderTarget, readResponders, uniqueByName} from '../targets.js'
import {Tracker} from '../tracker.js'
import {doubtAbout, findJob, toStoredJob} from './stored-job.js'

/** Reads the answers to a job that was written earlier. Rejects if the job does not exist or its signature is wrong. */
export async function attachRun(
  settings: InitiatorSettings,
  start: string,
  {signal, mode = 'follow', jobTrust}: AttachOptions,
): Promise<AttachedRun> {
  const {client} = settings
  const startedAtMs = client.clock.monotonicMs()
  using starting = linkSignal(signal)
  const found = await findJob(client, start, starting.signal)
  const {manifest} = found
  const doubt = await doubtAbout(found, jobTrust, client.clock.wallMs())
  const responders = await respondersOf(settings, manifest, starting.signal)
  const refused = await refuseKeys(
    settings,
    {responders: new Map([[manifest.version, responders]]), agents: []},
    starting.signal,
  )
  const expected = manifest.nodes.map((node): ExpectedNode => ({node, via: 'native'}))
  const events = new EventQueue<ExecEvent>()
  events.push({type: 'targets', nodes: expected, serviceNamesMatched: []})
  const {AttachedDelivery} = await import('../../native/attached-delivery.js')
  const delivery = new AttachedDelivery({
    client,
    manifest,
    keys: () => signingKeys(settings),
    ignored: new Set(refused.map(({node}) => node)),
    answerKeys: answerKeysOf(responders),
    onRetry: error => events.push({type: 'retrying', via: 'native', reason: messageOf(error)}),
    onForeign: node => events.push({type: 'foreign', node}),
    onForged: node => events.push({type: 'forged', node}),
  })
  const tracker = trackerOf(client, manifest, {expected, refused})
  const cancelPatienceMs = manifest.killAfterMs + reportingSlackMs
  const parts = {client, id: manifest.id, deliveries: [delivery], tracker, events, startedAtMs, isDryRun: false}
  const run = new Run({...parts, cancelPatienceMs, mode}, signal)
  return Object.assign(run, {job: toStoredJob(found), doubt})
}

/**
 * Resolves with the responders of the job. If a responder is not registered now, its key comes from the file of known
 * responders.
 */
async function respondersOf(
  settings: InitiatorSettings,
  {nodes}: Manifest,
  signal: AbortSignal,
): Promise<readonly ResponderTarget[]> {
  const {client, knownRespondersFile: path} = settings
  const registered = uniqueByName(await readResponders(client, {signal, isAnyState: true}))
  const byName = new Map(registered.map(one => [one.name, one]))
  const pins =
    path === undefined
      ? undefined
      : await (await import('../known-responders.js')).readPins(path, await datacenterOf(client, signal))
  return nodes.map(name => byName.get(name) ?? {name, consulNode: name, protocol: 0, answerKey: pins?.get(name)})
}

/**
 * Creates the tracker of an attached run. Its deadlines start now, so even a node that has been running the job for a
 * while has the whole timeout left before it counts as lost.
 */
function trackerOf(
  client: ConsulClient,
  {timeoutMs, killAfterMs, heartbeatMs, expiresAtMs}: Manifest,
  nodes: Pick<ConstructorParameters<typeof Tracker>[0], 'expected' | 'refused'>,
): Tracker {
  const beatMs = heartbeatMs || defaultHeartbeatMs.native
  return new Tracker({
    ...nodes,
    unchecked: [],
    startMs: client.clock.monotonicMs(),
    ackTimeoutMs: Math.max(0, expiresAtMs - client.clock.wallMs()) + reportingSlackMs,
    silence: 'it did not begin the job in time',
    timeoutMs: Number.isFinite(timeoutMs) ? timeoutMs : undefined,
    heartbeatMs: {native: beatMs, rexec: beatMs},
    timeoutGraceMs: {native: killAfterMs + reportingSlackMs, rexec: 0},
  })
}
