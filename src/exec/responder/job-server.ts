import type {KeyObject} from 'node:crypto'
import {join} from 'node:path'
import type {ConsulClient} from '../../core/client.js'
import {messageOf} from '../../core/errors.js'
import {kvKeys} from '../../core/query/topics.js'
import {retry} from '../../core/retry.js'
import {Backoff} from '../../core/time/backoff.js'
import {makeFolder} from '../../process/make-folder.js'
import {checkJob, checkPolicies, defaultSkewMs, defaultValidityMs, type JobRefusal} from '../native/check.js'
import type {Control} from '../native/control.js'
import {parseEnvelope} from '../native/envelope.js'
import type {RunResult} from '../native/frames.js'
import {jobKey, jobsPrefix, standingKey} from '../native/layout.js'
import {type Manifest, parseManifest} from '../native/manifest.js'
import type {Policy} from '../native/policy.js'
import type {ReplayStore} from '../native/replay-store.js'
import type {TrustSource} from '../native/trust.js'
import {type AuditEntry, auditCommand} from './audit-log.js'
import {
  type Answerer,
  allowJob,
  answersTo,
  auditAnyway,
  noteRefusedControl,
  refuseJob,
  reportInterrupted,
  reportUnstarted,
} from './job-answers.js'
import type {StartJobChild} from './job-child.js'
import {claimJob} from './job-claim.js'
import {type ControlRefusal, followControl, judgeControl} from './job-control.js'
import {selectJobs} from './job-list.js'
import {runJob} from './job-run.js'
import {signersText} from './judge-job.js'
import {followShared} from './shared-follow.js'
import {StandingKey} from './standing-key.js'
import {refuseLink} from './state-directory.js'

const maxRetryMs = 2000
/** Time for writing the last results when the responder is stopped, after the grace of the running jobs. */
const lastWritesMs = 3000
/** Number of jobs that are examined before the list is read again. */
const jobsBetweenLists = 64

export interface JobServerOptions {
  readonly client: ConsulClient
  readonly trust: TrustSource
  /** Key that signs the answers. */
  readonly privateKey: KeyObject
  readonly startChild: StartJobChild
  /** Writes a line to the audit log. Rejects if the line cannot be written. */
  readonly audit: (entry: AuditEntry) => Promise<void>
  /** The responder's own directory. */
  readonly stateDirectory: string
  readonly cluster?: string
  readonly unsignedPolicy?: Policy | (() => Policy | undefined)
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly wrapper?: readonly string[]
  readonly maxSkewMs?: number
  readonly maxValidityMs?: number
  readonly observer: (event: JobsEvent) => void
}

/**
 * `jobs.ignored`: the list of jobs is too long, so `count` of them are not examined. With a count of 0, the list is
 * short enough again.
 */
export interface JobsEvent {
  readonly type: 'jobs.ignored'
  readonly count: number
}

/** The name and the datacenter under which the responder answers. */
export interface Identity {
  readonly name: string
  readonly datacenter: string
}

interface RunningJob {
  /** Aborting this controller asks the job to stop. */
  readonly stop: AbortController
  /** Aborting this controller ends the grace of the job. */
  readonly hurry: AbortController
  /** Aborting this controller ends the writing of the job's answers. */
  readonly abandon: AbortController
  readonly killAfterMs: number
}

/**
 * Examines every job once. A job is checked, recorded, claimed, run and reported. If a job that names this node is
 * refused, the answer contains the reason; a job for other nodes gets no answer. A running job is stopped when its key
 * is deleted, a trusted key cancels it, or its session ends.
 */
export class JobServer implements AsyncDisposable {
  readonly #options: JobServerOptions
  readonly #identity: Identity
  readonly #replay: ReplayStore
  readonly #running = new Map<string, RunningJob & {readonly done: Promise<void>}>()
  #handled = new Set<string>()
  #ignoredCount = 0

  constructor(options: JobServerOptions, identity: Identity, replay: ReplayStore) {
    this.#options = options
    this.#identity = identity
    this.#replay = replay
  }

  /** Examines new jobs until the signal aborts, and then rejects with the signal's reason. */
  async followJobs(signal: AbortSignal): Promise<void> {
    const {client} = this.#options
    const standing = new StandingKey(client)
    let isFirst = true
    for await (const keys of followShared(kvKeys(client, jobsPrefix), client, signal)) {
      if (isFirst) await this.#reportInterrupted(new Set(keys), signal)
      isFirst = false
      if (!keys.includes(standingKey)) await standing.write(signal)
      await this.#lookAtAll(keys, signal)
    }
  }

  /** While many jobs are waiting, reads the list again after some of them, so that new jobs are examined first. */
  async #lookAtAll(listed: readonly string[], signal: AbortSignal): Promise<void> {
    const {client} = this.#options
    let keys = listed
    for (;;) {
      const waiting = this.#takeList(keys)
      for (const id of waiting.slice(0, jobsBetweenLists)) {
        signal.throwIfAborted()
        this.#handled.add(id)
        await this.#lookAt(id, signal)
      }
      if (waiting.length <= jobsBetweenLists) return
      keys = (await this.#read(() => client.kv.keys(jobsPrefix, {signal}), signal)).value
    }
  }

  /** Stops running jobs that are no longer listed. Returns the new jobs. */
  #takeList(keys: readonly string[]): readonly string[] {
    const {client, maxSkewMs = defaultSkewMs} = this.#options
    const listed = new Set(keys.map(key => key.slice(jobsPrefix.length)))
    for (const [id, {stop}] of this.#running) if (!listed.has(id)) stop.abort()
    this.#handled = new Set([...this.#handled].filter(id => listed.has(id)))
    const {ids, ignoredCount} = selectJobs(listed, client.clock.wallMs() + maxSkewMs)
    this.#noteIgnored(ignoredCount)
    return ids.filter(id => !this.#handled.has(id))
  }

  #noteIgnored(count: number): void {
    const {client, observer} = this.#options
    const isNews = count === 0 ? this.#ignoredCount > 0 : this.#ignoredCount === 0
    this.#ignoredCount = count
    if (!isNews) return
    client.logger.warn({prefix: jobsPrefix, count}, 'exec.jobsIgnored')
    observer({type: 'jobs.ignored', count})
  }

  #read<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const {clock, random} = this.#options.client
    return retry(attempt, {signal, clock, backoff: new Backoff({minMs: 100, maxMs: maxRetryMs, random})})
  }

  async #lookAt(id: string, signal: AbortSignal): Promise<void> {
    try {
      const value = await this.#readJob(id, signal)
      if (value) await this.#handle(id, value, signal)
    } catch (error) {
      this.#options.client.logger.error({job: id, error: messageOf(error)}, 'exec.jobNotRun')
    }
  }

  /**
   * Reads a job. Resolves with undefined if it was deleted. The read is consistent, because a server with old state may
   * lack a job that was listed.
   */
  async #readJob(id: string, signal: AbortSignal): Promise<Buffer | undefined> {
    const {kv} = this.#options.client
    const {value} = await this.#read(() => kv.get(jobKey(id), {signal, consistency: 'consistent'}), signal)
    return value?.value
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = [...this.#running.values()]
    for (const {stop} of running) stop.abort()
    // If Consul cannot be reached, results cannot be written. The responder then reports these jobs as interrupted
    // after its next start.
    const graceMs = Math.max(0, ...running.map(({killAfterMs}) => killAfterMs))
    using _timer = this.#options.client.clock.timer(graceMs + lastWritesMs, () => {
      for (const {abandon} of running) abandon.abort()
    })
    await Promise.all(running.map(({done}) => done))
  }

  async #handle(id: string, value: Buffer, signal: AbortSignal): Promise<void> {
    const {client} = this.#options
    const log = client.logger.child({job: id})
    const answerer = this.#answerer(signal)
    const checked = checkJob(id, value, await this.#context())
    if (!checked.isAccepted) {
      await refuseJob(answerer, id, checked.refusal)
      return
    }
    const {manifest, policies, signers} = checked
    if (manifest.isDryRun) {
      const refused = await checkPolicies(policies, manifest, this.#identity.name)
      if (refused) await refuseJob(answerer, id, refused)
      else await allowJob(answerer, manifest, signersText(signers))
      return
    }
    await this.#replay.begin(id, manifest.expiresAtMs + (this.#options.maxSkewMs ?? defaultSkewMs))
    const refusal = await checkPolicies(policies, manifest, this.#identity.name)
    if (refusal) {
      await this.#replay.finish(id)
      await refuseJob(answerer, id, refusal)
      return
    }
    const claim = await claimJob(answerer, manifest)
    if (claim === 'taken' || claim === 'expired') {
      await this.#replay.finish(id)
      if (claim === 'taken') log.warn({node: this.#identity.name}, 'exec.claimedByAnother')
      else await refuseJob(answerer, id, {code: 'expired', reason: 'expired before it was claimed', claimed: manifest})
      return
    }
    const control = judgeControl(claim.control, manifest, await this.#context())
    if (typeof control === 'string') {
      await this.#replay.finish(id)
      await reportUnstarted(answerer, manifest)
      return
    }
    const failed = await this.#auditStart(answerer, manifest, signers)
    if (failed) {
      await this.#replay.finish(id)
      await refuseJob(answerer, id, failed)
      return
    }
    log.info({signers, requester: manifest.requester, kind: manifest.command.kind}, 'exec.accepted')
    this.#start(manifest, policies)
  }

  /** Writes the start of the job to the audit log. Resolves with a refusal if that fails. */
  async #auditStart(
    answerer: Answerer,
    manifest: Manifest,
    signers: readonly string[],
  ): Promise<JobRefusal | undefined> {
    const {id: job, requester} = manifest
    try {
      await answerer.audit({verdict: 'started', job, signers, requester, command: auditCommand(manifest.command)})
      return undefined
    } catch (error) {
      return {code: 'audit-failed', reason: messageOf(error), claimed: manifest}
    }
  }

  #answerer(signal: AbortSignal): Answerer {
    const {client, privateKey, audit} = this.#options
    return {client, node: this.#identity.name, privateKey, audit, signal}
  }

  async #context(): Promise<Parameters<typeof checkJob>[2]> {
    const {client, trust, cluster, unsignedPolicy, maxSkewMs, maxValidityMs} = this.#options
    return {
      node: this.#identity.name,
      datacenter: this.#identity.datacenter,
      cluster: cluster ?? '',
      trust: await trust(),
      replay: this.#replay,
      unsignedPolicy: typeof unsignedPolicy === 'function' ? unsignedPolicy() : unsignedPolicy,
      nowMs: client.clock.wallMs(),
      maxSkewMs: maxSkewMs ?? defaultSkewMs,
      maxValidityMs: maxValidityMs ?? defaultValidityMs,
    }
  }

  #start(manifest: Manifest, policies: readonly Policy[]): void {
    const {killAfterMs} = manifest
    const [stop, hurry, abandon] = [new AbortController(), new AbortController(), new AbortController()]
    const job: RunningJob = {stop, hurry, abandon, killAfterMs}
    const done = this.#serveJob(manifest, policies, job)
      .catch((error: unknown) => this.#options.client.logger.error({error: messageOf(error)}, 'exec.jobFailed'))
      .finally(() => this.#running.delete(manifest.id))
    this.#running.set(manifest.id, {...job, done})
  }

  async #serveJob(manifest: Manifest, policies: readonly Policy[], job: RunningJob): Promise<void> {
    const {client, startChild, env, stateDirectory, wrapper} = this.#options
    // Control messages are read until the job has ended, even while it is being stopped, because a second message may
    // end the grace.
    const listening = new AbortController()
    const obey = (verb: Control['verb']): void => {
      if (verb === 'kill') job.hurry.abort()
      job.stop.abort()
    }
    const refused = new Set<string>()
    const refuse = async (refusal: ControlRefusal): Promise<void> => {
      // A message that is written again and again could fill the audit log, so each reason for a refusal is recorded
      // once.
      if (refused.has(refusal.code)) return
      refused.add(refusal.code)
      await noteRefusedControl(this.#answerer(listening.signal), manifest.id, refusal)
    }
    const follower = {client, context: () => this.#context(), obey, refuse}
    const control = followControl(manifest, follower, listening.signal)
    let result: RunResult
    try {
      result = await runJob(manifest, {
        client,
        startChild,
        answers: answersTo(this.#answerer(listening.signal), manifest),
        node: this.#identity.name,
        env: env ?? {},
        ...(wrapper && {wrapper}),
        scratchDirectory: await scratchIn(stateDirectory, wrapper ? 0o711 : 0o700),
        cancel: job.stop.signal,
        hurry: job.hurry.signal,
        abandon: job.abandon.signal,
        maxTimeoutMs: strictest(policies.map(policy => policy.maxTimeoutMs)),
        maxOutputBytes: strictest(policies.map(policy => policy.maxOutputBytes)),
      })
    } finally {
      listening.abort()
      await control
    }
    if (!job.abandon.signal.aborted) await this.#replay.finish(manifest.id)
    await auditAnyway(this.#answerer(listening.signal), toFinished(manifest.id, result))
    client.logger.info({job: manifest.id, code: result.code, bytes: result.outputBytes}, 'exec.finished')
  }

  /** Reports as interrupted the jobs that an earlier process began but did not finish. They do not run again. */
  async #reportInterrupted(keys: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    for (const id of this.#replay.unfinished) {
      const value = keys.has(jobKey(id)) ? await this.#readJob(id, signal) : undefined
      const manifest = value && parseManifest(parseEnvelope('baton-exec/1', value)?.payload ?? Buffer.alloc(0))
      if (typeof manifest === 'object') {
        this.#handled.add(id)
        await reportInterrupted(this.#answerer(signal), manifest)
      }
      await this.#replay.finish(id)
    }
  }
}

const toFinished = (job: string, result: RunResult): AuditEntry => ({
  verdict: 'finished',
  job,
  exit: result.code,
  ...(result.signal !== undefined && {signal: result.signal}),
  ...(result.isTimedOut === true && {code: 'timed-out'}),
  ...(result.isCancelled === true && {code: 'cancelled'}),
  outputBytes: result.outputBytes,
  droppedBytes: result.droppedBytes,
  ranMs: result.endedAtMs - result.startedAtMs,
})

/** Returns the lowest limit, or Infinity if there is none. */
const strictest = (limits: readonly (number | undefined)[]): number =>
  Math.min(...limits.map(limit => limit ?? Number.POSITIVE_INFINITY))

async function scratchIn(stateDirectory: string, mode: number): Promise<string> {
  const path = join(stateDirectory, 'tmp')
  await refuseLink(path)
  makeFolder(path, mode)
  return path
}
