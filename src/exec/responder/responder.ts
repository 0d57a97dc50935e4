import {mkdir} from 'node:fs/promises'
import {join, resolve} from 'node:path'
import {linkSignal} from '../../core/cancel/link-signal.js'
import {callback, checkOptions, duration, object, text} from '../../core/check-options.js'
import type {ConsulClient} from '../../core/client.js'
import {BatonError, messageOf, UsageError} from '../../core/errors.js'
import {follow} from '../../core/query/follow.js'
import {kvKey, kvPrefix} from '../../core/query/topics.js'
import type {KvEntry} from '../../core/types.js'
import {prepareChildren} from '../../process/child.js'
import {responderService} from '../initiator/targets.js'
import {checkControlTime, checkJob, checkPolicies, checkSignatures} from '../native/check.js'
import {parseControl} from '../native/control.js'
import {parseEnvelope} from '../native/envelope.js'
import {controlKey, isJobId, isResponderName, jobsPrefix, standingKey} from '../native/layout.js'
import {type Manifest, parseManifest} from '../native/manifest.js'
import {checkPatterns, checkPolicyOptions, type Policy} from '../native/policy.js'
import {openReplayStore, type ReplayStore} from '../native/replay-store.js'
import type {TrustSource} from '../native/trust.js'
import type {ExecResponder} from '../types.js'
import {type Answerer, refuseJob, reportInterrupted} from './job-answers.js'
import {runJob} from './job-run.js'
import {JobWriter} from './job-writer.js'
import {registerResponder} from './registration.js'
import {StandingKey} from './standing-key.js'
import {type TrustEvent, WatchedTrust} from './watched-trust.js'

/** Whose jobs are run, as which node, and within what bounds. */
export interface ResponderOptions {
  /** Whose jobs are run. */
  readonly trust: TrustSource
  /** Where it is remembered, in a folder of the responder's name, which jobs were run. Must outlive restarts. */
  readonly stateDirectory: string
  /** @default the name of the agent's node */
  readonly node?: string
  /** Jobs signed for another cluster are refused. @default '' */
  readonly cluster?: string
  /** Runs jobs without a signature within this policy. Absent: they are refused. */
  readonly unsignedPolicy?: Policy
  /** Children get a few harmless variables of it. @default {} */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Of the check that shows initiators that this responder lives. @default 15000 */
  readonly ttlMs?: number
  /** How far the clocks may be apart. @default 30000 */
  readonly maxSkewMs?: number
  /** Longest time from signing to expiry that is accepted. @default 300000 */
  readonly maxValidityMs?: number
  /** Receives what happens while the responder serves. Must not throw. */
  readonly observer?: (event: ResponderEvent) => void
}

/** `responder.registered`: initiators see the responder under this name from now on. */
export type ResponderEvent = {readonly type: 'responder.registered'; readonly node: string} | TrustEvent

const responderRules = {
  trust: callback,
  env: object,
  observer: callback,
  unsignedPolicy: object,
  stateDirectory: text,
  node: text,
  cluster: text,
  ttlMs: duration({minMs: 1}),
  maxSkewMs: duration(),
  maxValidityMs: duration(),
} as const

const visibleWithinMs = 10_000
const visiblePollMs = 50

/**
 * Runs the jobs that trusted keys signed for this node.
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
  checkOptions('createResponder', options, responderRules, ['trust', 'stateDirectory'])
  const {unsignedPolicy} = options
  if (unsignedPolicy) checkPolicyOptions('createResponder', unsignedPolicy)
  return {
    async serve({signal}) {
      const {observer = () => {}} = options
      if (unsignedPolicy) await checkPatterns(unsignedPolicy, 'unsignedPolicy')
      const trust = new WatchedTrust(client, options.trust, observer)
      const self = await client.agent.self({signal})
      const name = options.node ?? self.node
      if (!isResponderName(name)) {
        throw new UsageError(`responder name '${name}': only letters, digits, '.', '_' and '-'`, {
          hint: 'set `node` to another name',
        })
      }
      // Children start in `/`: a relative path would lead elsewhere there.
      const stateDirectory = resolve(options.stateDirectory, name)
      await using replay = await openReplayStore(stateDirectory, client.clock.wallMs())
      const identity = {name, datacenter: self.datacenter}
      await using service = new Service(
        {...options, client, stateDirectory, trust: () => trust.read()},
        identity,
        replay,
      )
      const note = (): Promise<string> => trust.note()
      const registration = {client, name, consulNode: self.node, ttlMs: options.ttlMs ?? 15_000, note}
      await using _registered = await registerResponder(registration)
      await Promise.all([untilVisible(client, name, signal), prepareChildren()])
      observer({type: 'responder.registered', node: name})
      try {
        await service.followJobs(signal)
      } catch (error) {
        if (!signal.aborted) throw error
      }
    },
  }
}

/** Registrations reach the catalog a moment later. */
async function untilVisible(client: ConsulClient, name: string, signal: AbortSignal): Promise<void> {
  const deadlineMs = client.clock.monotonicMs() + visibleWithinMs
  while (!signal.aborted) {
    const {value} = await client.catalog.service(responderService, {passing: true, signal})
    if (value.some(instance => (instance.meta['responder'] ?? instance.node.node) === name)) return
    if (client.clock.monotonicMs() > deadlineMs) {
      throw new BatonError('BATON_TIMEOUT', `responder ${name}: registered, but not in the catalog after 10s`, {
        hint: "does the agent's token have service:write on baton-responder?",
      })
    }
    await client.clock.sleep(visiblePollMs, signal)
  }
}

type ServiceOptions = ResponderOptions & {readonly client: ConsulClient}

interface Identity {
  readonly name: string
  readonly datacenter: string
}

/**
 * Sees every job once. A job is checked, written down, claimed, run and reported; refused jobs that name this node are
 * answered with the reason, others are passed over. A running job ends early when its key vanishes, when a trusted key
 * asks for it, or when its session ends.
 */
class Service implements AsyncDisposable {
  readonly #options: ServiceOptions
  readonly #identity: Identity
  readonly #replay: ReplayStore
  readonly #running = new Map<string, {readonly stop: AbortController; readonly done: Promise<void>}>()
  #handled = new Set<string>()

  constructor(options: ServiceOptions, identity: Identity, replay: ReplayStore) {
    this.#options = options
    this.#identity = identity
    this.#replay = replay
  }

  async followJobs(signal: AbortSignal): Promise<void> {
    const {client} = this.#options
    const standing = new StandingKey(client)
    let isFirst = true
    const how = {signal, freshConsistency: 'consistent'} as const
    for await (const {snapshot} of follow(kvPrefix(client, jobsPrefix), client, how)) {
      const jobs = new Map(snapshot.value.map(entry => [entry.key.slice(jobsPrefix.length), entry]))
      if (isFirst) await this.#reportInterrupted(jobs, signal)
      isFirst = false
      if (!snapshot.value.some(entry => entry.key === standingKey)) await standing.write(signal)
      for (const [id, {stop}] of this.#running) if (!jobs.has(id)) stop.abort()
      this.#handled = new Set([...this.#handled].filter(id => jobs.has(id)))
      for (const [id, entry] of jobs) {
        if (this.#handled.has(id) || !isJobId(id)) continue
        signal.throwIfAborted()
        this.#handled.add(id)
        await this.#handle(id, entry, signal)
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = [...this.#running.values()]
    for (const {stop} of running) stop.abort()
    await Promise.all(running.map(({done}) => done))
  }

  async #handle(id: string, entry: KvEntry, signal: AbortSignal): Promise<void> {
    const {client} = this.#options
    const log = client.logger.child({job: id})
    const answerer = this.#answerer(signal)
    try {
      const checked = checkJob(id, entry.value, await this.#context())
      if (!checked.isAccepted) {
        await refuseJob(answerer, id, checked.refusal)
        return
      }
      const {manifest, policies, signers} = checked
      const graceMs = this.#options.maxSkewMs ?? defaultSkewMs
      await this.#replay.begin(id, manifest.expiresAtMs + graceMs)
      const refusal = await checkPolicies(policies, manifest, this.#identity.name)
      if (refusal) {
        await this.#replay.finish(id)
        await refuseJob(answerer, id, refusal)
        return
      }
      const claim = await JobWriter.claim(answerer, manifest)
      if (claim !== 'claimed') {
        await this.#replay.finish(id)
        if (claim === 'taken') log.warn({node: this.#identity.name}, 'exec.claimedByAnother')
        else
          await refuseJob(answerer, id, {code: 'expired', reason: 'expired before it was claimed', claimed: manifest})
        return
      }
      log.info({signers, requester: manifest.requester, kind: manifest.command.kind}, 'exec.accepted')
      this.#start(manifest, policies)
    } catch (error) {
      log.error({error: messageOf(error)}, 'exec.jobNotRun')
    }
  }

  #answerer(signal: AbortSignal): Answerer {
    return {client: this.#options.client, node: this.#identity.name, signal}
  }

  async #context(): Promise<Parameters<typeof checkJob>[2]> {
    const {client, trust, cluster, unsignedPolicy, maxSkewMs, maxValidityMs} = this.#options
    return {
      node: this.#identity.name,
      datacenter: this.#identity.datacenter,
      cluster: cluster ?? '',
      trust: await trust(),
      replay: this.#replay,
      unsignedPolicy,
      nowMs: client.clock.wallMs(),
      maxSkewMs: maxSkewMs ?? defaultSkewMs,
      maxValidityMs: maxValidityMs ?? defaultValidityMs,
    }
  }

  #start(manifest: Manifest, policies: readonly Policy[]): void {
    const stop = new AbortController()
    const done = this.#serveJob(manifest, policies, stop)
      .catch((error: unknown) => this.#options.client.logger.error({error: messageOf(error)}, 'exec.jobFailed'))
      .finally(() => this.#running.delete(manifest.id))
    this.#running.set(manifest.id, {stop, done})
  }

  async #serveJob(manifest: Manifest, policies: readonly Policy[], stop: AbortController): Promise<void> {
    const {client, env, stateDirectory} = this.#options
    using listening = linkSignal(stop.signal)
    const control = this.#followControl(manifest.id, listening.signal, stop)
    const result = await runJob(manifest, {
      client,
      node: this.#identity.name,
      env: env ?? {},
      scratchDirectory: await scratchIn(stateDirectory),
      cancel: stop.signal,
      maxTimeoutMs: strictest(policies.map(policy => policy.maxTimeoutMs)),
      maxOutputBytes: strictest(policies.map(policy => policy.maxOutputBytes)),
    })
    listening.abort(undefined)
    await control
    await this.#replay.finish(manifest.id)
    client.logger.info({job: manifest.id, code: result.code, bytes: result.outputBytes}, 'exec.finished')
  }

  /** A job is stopped by a word that a trusted key signed for it. */
  async #followControl(id: string, signal: AbortSignal, stop: AbortController): Promise<void> {
    const {client, trust, unsignedPolicy, maxValidityMs = defaultValidityMs} = this.#options
    try {
      for await (const {snapshot} of follow(kvKey(client, controlKey(id)), client, {signal})) {
        const envelope = snapshot.value && parseEnvelope('baton-ctl/1', snapshot.value.value)
        const control = envelope && parseControl(envelope.payload)
        const nowMs = client.clock.wallMs()
        if (!envelope || control?.id !== id) continue
        const signed = checkSignatures(envelope, {trust: await trust(), unsignedPolicy, nowMs})
        const failed = 'code' in signed ? signed : checkControlTime(control, {nowMs, maxValidityMs})
        if (failed) client.logger.warn({job: id, code: failed.code, reason: failed.reason}, 'exec.cancelRefused')
        else stop.abort()
      }
    } catch (error) {
      if (!signal.aborted) client.logger.warn({job: id, error: messageOf(error)}, 'exec.controlFailed')
    }
  }

  /** What an earlier process began and did not finish is not run again: its end is unknown, and that is said. */
  async #reportInterrupted(jobs: ReadonlyMap<string, KvEntry>, signal: AbortSignal): Promise<void> {
    for (const id of this.#replay.unfinished) {
      const entry = jobs.get(id)
      const manifest = entry && parseManifest(parseEnvelope('baton-exec/1', entry.value)?.payload ?? Buffer.alloc(0))
      if (typeof manifest === 'object') {
        this.#handled.add(id)
        await reportInterrupted(this.#answerer(signal), id, manifest.session)
      }
      await this.#replay.finish(id)
    }
  }
}

/** `Infinity` where nothing is limited. */
const strictest = (limits: readonly (number | undefined)[]): number =>
  Math.min(...limits.map(limit => limit ?? Number.POSITIVE_INFINITY))

const defaultSkewMs = 30_000
const defaultValidityMs = 300_000

async function scratchIn(stateDirectory: string): Promise<string> {
  const path = join(stateDirectory, 'tmp')
  await mkdir(path, {recursive: true, mode: 0o700})
  return path
}
