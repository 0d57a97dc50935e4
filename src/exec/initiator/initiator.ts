import {hostname, userInfo} from 'node:os'
import {linkSignal} from '../../core/cancel/link-signal.js'
import {ReleaseStack} from '../../core/cancel/release-stack.js'
import {checkOptions, duration, type OptionRule, text} from '../../core/check-options.js'
import type {ConsulClient} from '../../core/client.js'
import {messageOf, RefusedError, UsageError} from '../../core/errors.js'
import type {SigningKey} from '../native/envelope.js'
import type {Delivery} from '../reports.js'
import {openRexecDelivery, type RexecOptions} from '../rexec/delivery.js'
import type {ExecEvent, ExecInitiator, ExecRun, ExpectedNode, JobSpec, NodeSelector, Via} from '../types.js'
import {EventQueue} from './event-queue.js'
import {Run} from './run.js'
import {compileSelector} from './selector.js'
import {findTargets, type Targets} from './targets.js'
import {Tracker} from './tracker.js'

/** How nodes are reached, and how long they are waited for. */
export interface InitiatorOptions {
  /**
   * `native` reaches nodes with a passing responder, `rexec` those whose agents run `_rexec` jobs, and `auto` takes
   * responders where they are and `_rexec` for the nodes without one. No node is ever reached both ways.
   * @default 'auto'
   */
  readonly via?: Via | 'auto'
  /** Signs native jobs; several for responders that ask for more than one signature. A function is asked when needed. */
  readonly keys?: readonly SigningKey[] | (() => Promise<readonly SigningKey[]>)
  /** Send native jobs without a signature: only responders that allow it run them. */
  readonly isUnsigned?: boolean
  /** Must be the responders' own. @default '' */
  readonly cluster?: string
  /** How long expected nodes may take to answer. @default 5000 */
  readonly ackTimeoutMs?: number
  /** From the stop signal to the kill, for responders. @default 5000 */
  readonly killAfterMs?: number
  /** Most output of each node, for responders: beyond it, beginning and end are kept. `Infinity`: all. @default 1048576 */
  readonly maxOutputBytes?: number
  /** Where `_rexec` jobs live. @default '_rexec' */
  readonly prefix?: string
  /** Pause between writing a `_rexec` job and its event. @default 0 */
  readonly replicationWaitMs?: number
  readonly requester?: string
}

const heartbeatMs = {native: 15_000, rexec: 2000} as const
/** What a responder may need beyond the timeout, besides the kill: its writes and our reads. */
const reportingSlackMs = 5000

/**
 * Runs commands on the nodes of a datacenter.
 *
 * @example
 * ```ts
 * await using run = await createInitiator(client, {keys: [key]}).run({command: {kind: 'shell', line: 'echo hello'}})
 * for await (const event of run) {
 *   if (event.type === 'output') event.chunk.toString() // => 'hello\n'
 * }
 * const {verdict} = await run.summary
 * verdict // => 'ok'
 * ```
 */
export function createInitiator(client: ConsulClient, options: InitiatorOptions = {}): ExecInitiator {
  checkOptions('createInitiator', options, initiatorRules)
  return {
    async run(job, selector = {}, {signal} = {}) {
      checkJobSpec(job)
      return startRun({...options, client}, {job, selector}, signal)
    },
  }
}

const byteLimit: OptionRule = {
  expected: 'a whole number of bytes of at least 0, or Infinity',
  accepts: value => value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && (value as number) >= 0),
}
const initiatorRules = {
  cluster: text,
  prefix: text,
  requester: text,
  ackTimeoutMs: duration(),
  killAfterMs: duration(),
  replicationWaitMs: duration(),
  maxOutputBytes: byteLimit,
} as const
/** Jobs may take longer than one timer counts: responders count in days. */
const jobTimeout: OptionRule = {
  expected: 'a number of milliseconds of at least 1, or Infinity',
  accepts: value =>
    typeof value === 'number' && value >= 1 && (value <= Number.MAX_SAFE_INTEGER || value === Number.POSITIVE_INFINITY),
}
const jobRules = {timeoutMs: jobTimeout, heartbeatMs: duration({minMs: 1})} as const

function checkJobSpec(job: JobSpec): void {
  checkOptions('run', job, jobRules)
  if (job.command.kind === 'argv' && (job.command.argv[0] ?? '') === '') {
    throw new UsageError('exec: the name of the program is empty')
  }
}

type Settings = InitiatorOptions & {readonly client: ConsulClient}

interface Request {
  readonly job: JobSpec
  readonly selector: NodeSelector
}

async function startRun(options: Settings, request: Request, signal?: AbortSignal): Promise<ExecRun> {
  const {client} = options
  const startedAtMs = client.clock.monotonicMs()
  const selector = compileSelector(request.selector)
  using starting = linkSignal(signal)
  const targets = await findTargets(client, selector, {signal: starting.signal})
  const plan = planNodes(options.via ?? 'auto', targets)
  const events = new EventQueue<ExecEvent>()
  events.push({type: 'targets', nodes: plan.expected, serviceNamesMatched: targets.serviceNamesMatched})
  const openers = [
    ...(plan.responders.length > 0 ? [nativeOpener(options, request, plan.responders)] : []),
    ...(plan.agents.length > 0 ? [rexecOpener(options, request, plan)] : []),
  ]
  const deliveries = await startAll(openers, {events, signal: starting.signal})
  const killAfterMs = options.killAfterMs ?? 5000
  const beatMs = request.job.heartbeatMs
  const tracker = new Tracker({
    expected: plan.expected,
    startMs: client.clock.monotonicMs(),
    ackTimeoutMs: options.ackTimeoutMs ?? 5000,
    timeoutMs: request.job.timeoutMs,
    heartbeatMs: {native: beatMs ?? heartbeatMs.native, rexec: beatMs ?? heartbeatMs.rexec},
    timeoutGraceMs: {native: killAfterMs + reportingSlackMs, rexec: 0},
  })
  const cancelPatienceMs = killAfterMs + reportingSlackMs
  const id = deliveries[0]?.id ?? ''
  return new Run({client, id, deliveries, tracker, events, startedAtMs, cancelPatienceMs}, signal)
}

interface Plan {
  readonly expected: readonly ExpectedNode[]
  readonly responders: readonly string[]
  readonly agents: readonly string[]
  /** The event can carry the selector itself, as nobody has to be left out of it. */
  readonly isSelectorEnough: boolean
}

function planNodes(via: Via | 'auto', targets: Targets): Plan {
  const responders = via === 'rexec' ? [] : targets.responders
  const agents = targets.agents.filter(
    agent => via === 'rexec' || (via === 'auto' && !targets.coveredNodes.has(agent.node)),
  )
  return {
    expected: [
      ...responders.map(({name}) => ({node: name, via: 'native' as const})),
      ...agents.map(({node, isDown}) => ({node, via: 'rexec' as const, ...(isDown && {isDown})})),
    ],
    responders: responders.map(one => one.name),
    agents: agents.map(one => one.node),
    isSelectorEnough: via === 'rexec' || targets.coveredNodes.size === 0,
  }
}

interface StartContext {
  readonly events: EventQueue<ExecEvent>
  readonly signal: AbortSignal
}
type Opener = (context: StartContext) => Promise<Delivery>

/** All or nothing: what one delivery has begun is taken back when another cannot begin. */
async function startAll(openers: readonly Opener[], context: StartContext): Promise<readonly Delivery[]> {
  const releases = new ReleaseStack()
  try {
    const deliveries: Delivery[] = []
    for (const open of openers) deliveries.push(releases.use(await open(context)))
    for (const delivery of deliveries) await delivery.start(context.signal)
    return deliveries
  } catch (error) {
    await releases[Symbol.asyncDispose]().catch(() => {})
    throw error
  }
}

const onRetry =
  (events: EventQueue<ExecEvent>, via: Via) =>
  (error: unknown): void =>
    events.push({type: 'retrying', via, reason: messageOf(error)})

function rexecOpener(options: Settings, {job, selector}: Request, plan: Plan): Opener {
  const {node, service, tag, exclude} = selector
  const filter = {
    ...(node !== undefined && {node}),
    ...(service !== undefined && {service}),
    ...(tag !== undefined && {tag}),
  }
  const isSelectorEnough = plan.isSelectorEnough && (exclude ?? '') === ''
  const reach: RexecOptions['reach'] = isSelectorEnough ? filter : {names: plan.agents}
  return ({events, signal}) =>
    openRexecDelivery(
      {
        client: options.client,
        command: job.command,
        prefix: options.prefix ?? '_rexec',
        waitMs: job.heartbeatMs ?? heartbeatMs.rexec,
        replicationWaitMs: options.replicationWaitMs ?? 0,
        reach,
        onRetry: onRetry(events, 'rexec'),
        onNotice: notice => events.push(notice),
      },
      signal,
    )
}

function nativeOpener(options: Settings, {job}: Request, nodes: readonly string[]): Opener {
  return async ({events, signal}) => {
    const {client} = options
    const keys = await signingKeys(options)
    // Loaded when needed: runs that reach agents only start faster without it.
    const {openNativeDelivery} = await import('../native/delivery.js')
    const datacenter = client.scope.datacenter ?? (await client.agent.self({signal})).datacenter
    return openNativeDelivery(
      {
        client,
        command: job.command,
        nodes,
        datacenter,
        cluster: options.cluster ?? '',
        keys,
        timeoutMs: job.timeoutMs ?? Number.POSITIVE_INFINITY,
        killAfterMs: options.killAfterMs ?? 5000,
        heartbeatMs: job.heartbeatMs ?? heartbeatMs.native,
        maxOutputBytes: options.maxOutputBytes ?? 1024 * 1024,
        requester: {name: options.requester ?? userName(), host: hostname()},
        onRetry: onRetry(events, 'native'),
        onForeign: node => events.push({type: 'foreign', node}),
      },
      signal,
    )
  }
}

async function signingKeys({keys = [], isUnsigned}: InitiatorOptions): Promise<readonly SigningKey[]> {
  if (isUnsigned === true) return []
  const all = typeof keys === 'function' ? await keys() : keys
  if (all.length === 0) {
    throw new RefusedError('exec: these nodes run responders, but there is no key to sign the job', {
      hint: "give `keys`, or reach the agents themselves (`via: 'rexec'`)",
    })
  }
  return all
}

/** A container may run as a user that has no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}
