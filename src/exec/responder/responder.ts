import {chmod} from 'node:fs/promises'
import {join, resolve} from 'node:path'
import {
  abortSignal,
  callback,
  checkOptions,
  duration,
  name as nameRule,
  type OptionRule,
  object,
  text,
  texts,
} from '../../core/check-options.js'
import type {ConsulClient} from '../../core/client.js'
import {clientRule} from '../../core/context-rules.js'
import {isTransient, messageOf, UsageError} from '../../core/errors.js'
import {isHopeless} from '../../core/hopeless.js'
import {retry} from '../../core/retry.js'
import {Backoff} from '../../core/time/backoff.js'
import {prepareChildren} from '../../process/child.js'
import {isResponderName} from '../native/layout.js'
import {checkPatterns, checkPolicyOptions, type Policy} from '../native/policy.js'
import {openReplayStore} from '../native/replay-store.js'
import type {TrustSource} from '../native/trust.js'
import type {ExecResponder} from '../types.js'
import {openAnswerKey} from './answer-key.js'
import {type AuditEntry, AuditLog, auditFile} from './audit-log.js'
import {type StartJobChild, startJobChild} from './job-child.js'
import {JobServer, type JobServerOptions, type JobsEvent} from './job-server.js'
import {registerResponder} from './registration.js'
import {openStateDirectory} from './state-directory.js'
import {StatusWriter} from './status.js'
import {untilVisible} from './visible.js'
import {noteOf, type TrustEvent, WatchedTrust} from './watched-trust.js'

/** Options of a responder. */
export interface ResponderOptions {
  /** Returns the trusted keys. Called for every job. */
  readonly trust: TrustSource
  /**
   * Directory for the record of jobs that have run, which is kept in a subfolder named after the responder. The
   * directory must survive restarts. Only root and the user of the process may have write permission.
   */
  readonly stateDirectory: string
  /** Name of the responder, which initiators select. @default the name of the agent's node */
  readonly node?: string
  /** Name of the cluster. Jobs that are signed for another cluster are refused. @default '' */
  readonly cluster?: string
  /** Policy for jobs without a signature. A function is called for every job. @default such jobs are refused */
  readonly unsignedPolicy?: Policy | (() => Policy | undefined)
  /**
   * File to which a line is appended for each job that is refused, started or finished. If the file cannot be written,
   * nothing runs. A file that exceeds 10 MiB is renamed to `.1`, and five old files are kept.
   * @default `audit.jsonl` in the responder's subfolder
   */
  readonly auditFile?: string
  /**
   * File for metrics in the text format of Prometheus, replaced at each renewal of the health check and removed at the
   * end. @default none
   */
  readonly metricsFile?: string
  /** Environment of the responder, of which children receive a few harmless variables. @default {} */
  readonly env?: Readonly<Record<string, string | undefined>>
  /**
   * Program and arguments to put before each command. The program must replace itself by the command, for instance
   * `['setpriv', '--reuid', 'deploy', ..., '--']`. Other users can then enter the state directory, whose files stay
   * private. @default none
   */
  readonly wrapper?: readonly string[]
  /** TTL of the health check by which initiators find the responder, in milliseconds. @default 15000 */
  readonly ttlMs?: number
  /** Maximum difference between the clocks of the initiator and the responder, in milliseconds. @default 30000 */
  readonly maxSkewMs?: number
  /** Maximum time from the signature of a job to its expiry, in milliseconds. @default 300000 */
  readonly maxValidityMs?: number
  /** Receives events while the responder serves. Must not throw. @default nothing is reported */
  readonly observer?: (event: ResponderEvent) => void
}

/**
 * `responder.registered`: initiators see the responder under this name from now on. `start.delayed`: Consul cannot be
 * used yet, and the start will be tried again.
 */
export type ResponderEvent =
  | {readonly type: 'responder.registered'; readonly node: string}
  | {readonly type: 'start.delayed'; readonly reason: string}
  | TrustEvent
  | JobsEvent

const policyRule: OptionRule = {
  expected: 'an object or a function',
  accepts: value => object.accepts(value) || typeof value === 'function',
}
const responderRules = {
  trust: callback,
  stateDirectory: text,
  node: text,
  cluster: text,
  auditFile: nameRule,
  metricsFile: nameRule,
  unsignedPolicy: policyRule,
  env: object,
  wrapper: texts,
  ttlMs: duration({minMs: 1}),
  maxSkewMs: duration(),
  maxValidityMs: duration(),
  observer: callback,
} as const

const defaultTtlMs = 15_000
const maxStartRetryMs = 5000

/**
 * Runs the jobs that trusted keys signed for this node. Throws a UsageError if an option is not valid.
 *
 * @example
 * ```ts
 * const {key, publicFile} = generateKey('deploy', Date.now())
 * const trust = trustKeys([publicFile])
 * const stop = new AbortController()
 * await new Promise<void>((resolve, reject) => {
 *   const initiator = createInitiator(client, {via: 'native', keys: [key]})
 *   const runOne = async (): Promise<void> => {
 *     await using run = await initiator.run({command: {kind: 'argv', argv: ['true']}}, {node: '^web-1$'})
 *     const {nodes} = await run.summary
 *     nodes.map(one => one.outcome) // => [{type: 'ok'}]
 *     stop.abort()
 *   }
 *   const responder = createResponder(client, {
 *     trust,
 *     stateDirectory: directory,
 *     node: 'web-1',
 *     observer: event => {
 *       if (event.type === 'responder.registered') runOne().catch(reject)
 *     },
 *   })
 *   responder.serve({signal: stop.signal}).then(resolve, reject)
 * })
 * ```
 */
export function createResponder(client: ConsulClient, options: ResponderOptions): ExecResponder {
  checkOptions('createResponder', {client}, {client: clientRule}, ['client'])
  checkOptions('createResponder', options, responderRules, ['trust', 'stateDirectory'])
  const {unsignedPolicy} = options
  if (typeof unsignedPolicy === 'object') checkPolicyOptions('createResponder', unsignedPolicy)
  if (options.node !== undefined) refuseBadName(options.node)
  return {
    async serve(serveOptions) {
      checkOptions('serve', serveOptions, {signal: abortSignal}, ['signal'])
      const {signal} = serveOptions
      try {
        await serveJobs(client, options, signal)
      } catch (error) {
        if (!signal.aborted) throw error
      }
    },
  }
}

/**
 * Serves until the signal aborts, and then rejects with the signal's reason. `startChild` starts the command of a job.
 */
export async function serveJobs(
  client: ConsulClient,
  options: ResponderOptions,
  signal: AbortSignal,
  startChild: StartJobChild = startJobChild,
): Promise<void> {
  const {observer = () => {}, unsignedPolicy} = options
  if (typeof unsignedPolicy === 'object') await checkPatterns(unsignedPolicy, 'unsignedPolicy')
  const trust = new WatchedTrust(client, options.trust, observer)
  const whenUp = <T>(attempt: () => Promise<T>): Promise<T> => waitForConsul(client, attempt, {observer, signal})
  const self = await whenUp(() => client.agent.self({signal}))
  const name = options.node ?? self.node
  refuseBadName(name)
  const stateDirectory = await prepareDirectory(options, name)
  const {privateKey, x} = await openAnswerKey(stateDirectory, name, client.clock.wallMs())
  await using audit = await AuditLog.open(options.auditFile ?? join(stateDirectory, auditFile))
  await using replay = await openReplayStore(stateDirectory, client.clock.wallMs())
  const identity = {name, datacenter: self.datacenter}
  const ttlMs = options.ttlMs ?? defaultTtlMs
  const {metricsFile} = options
  await using status = new StatusWriter({
    client,
    directory: stateDirectory,
    metricsFile,
    node: name,
    datacenter: self.datacenter,
    ttlMs,
  })
  const serverOptions = toServerOptions(options, {client, stateDirectory, privateKey, startChild, trust, audit, status})
  await using server = new JobServer(serverOptions, identity, replay)
  const note = async (): Promise<string> => {
    const store = await trust.read()
    await status.write(store)
    return noteOf(store)
  }
  const registration = {client, name, consulNode: self.node, answerKey: x, ttlMs, note}
  await using _registered = await whenUp(() => registerResponder(registration))
  await Promise.all([untilVisible(client, name, {whenUp, signal}), prepareChildren()])
  observer({type: 'responder.registered', node: name})
  await server.followJobs(signal)
}

interface ServerParts extends Pick<JobServerOptions, 'client' | 'stateDirectory' | 'privateKey' | 'startChild'> {
  readonly trust: WatchedTrust
  readonly audit: AuditLog
  readonly status: StatusWriter
}

/** Returns the options of the server, which counts in `status` what it writes to the audit log. */
function toServerOptions(options: ResponderOptions, {trust, audit, status, ...parts}: ServerParts): JobServerOptions {
  const {observer = () => {}} = options
  return {
    ...options,
    ...parts,
    trust: () => trust.read(),
    audit: async (entry: AuditEntry) => {
      await audit.write(parts.client.clock.wallMs(), entry)
      status.count(entry)
    },
    observer: (event: JobsEvent) => {
      status.noteIgnored(event.count)
      observer(event)
    },
  }
}

/** Creates the responder's own directory. Resolves with its path. */
async function prepareDirectory(options: ResponderOptions, name: string): Promise<string> {
  // Children start in `/`, where a relative path would lead elsewhere.
  const path = resolve(options.stateDirectory, name)
  await openStateDirectory(path)
  if (options.wrapper) for (const one of [resolve(options.stateDirectory), path]) await chmod(one, 0o711)
  return path
}

function refuseBadName(name: string): void {
  if (isResponderName(name)) return
  throw new UsageError(`responder name '${name}': only letters, digits, '.', '_' and '-'`, {
    hint: 'set `node` to another name',
  })
}

/** A machine may start its services in any order, so transient errors are retried. */
function waitForConsul<T>(
  client: ConsulClient,
  attempt: () => Promise<T>,
  {observer, signal}: {readonly observer: (event: ResponderEvent) => void; readonly signal: AbortSignal},
): Promise<T> {
  const {clock, random, logger} = client
  const onRetry = (error: unknown): void => {
    logger.info({error: messageOf(error)}, 'exec.startDelayed')
    observer({type: 'start.delayed', reason: messageOf(error)})
  }
  return retry(attempt, {
    signal,
    clock,
    backoff: new Backoff({minMs: 100, maxMs: maxStartRetryMs, random}),
    isRetryable: error => isTransient(error) && !isHopeless(error),
    onRetry,
  })
}
