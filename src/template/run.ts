import type {ConsulClient} from '../core/client.js'
import {BatonError} from '../core/errors.js'
import {Wake} from '../core/time/wake.js'
import {changeFiles} from './change.js'
import {loadYaml} from './functions/yaml-read.js'
import {Calm} from './quiet.js'
import {type RenderedFile, type Rendering, readTemplate} from './render.js'
import {Store} from './store.js'
import type {Missing, Quiet, Rendered, TemplateCommand, TemplateEvent, TemplateSpec} from './types.js'
import {wouldChange} from './write.js'

/** Options of {@link runTemplates}. */
export interface RunTemplatesOptions {
  /** Ends the run. */
  readonly signal: AbortSignal
  /** Environment variables that templates can read. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** True to end as soon as every template was rendered and written. @default false */
  readonly once?: boolean
  /** With `once`: maximum time in milliseconds until every template has been rendered. @default no limit */
  readonly timeoutMs?: number
  /** True to write nothing and run no command. @default false */
  readonly dry?: boolean
  /** How long the data must stay unchanged before files are written. @default 0 */
  readonly quiet?: Quiet
  /** Maximum age in milliseconds of stale answers. @default no limit */
  readonly maxStaleMs?: number
  /** True to restore the old files if a command fails. @default false */
  readonly rollsBack?: boolean
  readonly onEvent?: (event: TemplateEvent) => void
  /** Checks a new file. If it rejects, no file is changed, and a run with `once` ends. @default no check */
  readonly onCheck?: (check: TemplateCommand, path: string) => Promise<void>
  /**
   * Runs the command of a changed template. Templates with the same command share one call. If it rejects, a run with
   * `once` ends.
   */
  readonly onCommand?: (command: TemplateCommand) => Promise<void>
  /**
   * Calls `work`, which replaces files, runs their commands and calls `onWritten`. May first wait, for instance for a
   * lock.
   * @default runs `work` at once
   */
  readonly inTurn?: (work: () => Promise<void>) => Promise<void>
  /** True if an earlier run has already written all files. @default false */
  readonly isReady?: boolean
  /** Called once, when all files have been written for the first time. */
  readonly onReady?: () => Promise<void>
  /** Called after {@link onReady} whenever files have changed and their commands have run. */
  readonly onWritten?: (changed: readonly TemplateSpec[]) => Promise<void>
}

/** Thrown with `once` if some data was still missing at the time limit. */
class TemplatesMissingError extends BatonError {
  readonly missing: readonly Missing[]

  constructor(missing: readonly Missing[]) {
    const listed = missing.map(({name, why}) => `${name} (${why})`).join(', ')
    super('BATON_NOT_FOUND', `templates still wait for ${listed}`, {details: {missing}})
    this.missing = missing
  }
}

interface Job {
  readonly spec: TemplateSpec
  readonly file: RenderedFile
  readonly calm: Calm | undefined
  /** Versions of the data of the last rendering; undefined before the first rendering. */
  version: string | undefined
  /** The last report of missing data. It is not repeated. */
  reported: string | undefined
  used: ReadonlySet<string>
  isComplete: boolean
  /** True if a check has refused the last text. The text is tried again when the data of another template changes. */
  isRefused: boolean
  missing: readonly Missing[]
}

/**
 * Renders templates and writes their files, once or whenever their data changes. Writes a file only when all of its
 * data has been read. During an outage, or if Consul's leader does not confirm an answer, no file changes. Resolves
 * when the signal aborts or, with `once`, when all files are written. Rejects with a UsageError if a template is
 * invalid. With `once`, also rejects with a BatonError (BATON_NOT_FOUND) that names the missing data at the time limit,
 * and with the error of a failed check or command. An error during the execution of a template ends a run with `once`;
 * otherwise it is reported as an event and the file stays unchanged.
 */
export async function runTemplates(
  client: ConsulClient,
  templates: readonly TemplateSpec[],
  options: RunTemplatesOptions,
): Promise<void> {
  await loadYaml(templates.map(({text}) => text))
  const jobs = templates.map((spec): Job => {
    const quiet = spec.quiet ?? options.quiet
    return {
      spec,
      file: readTemplate(spec.name, spec.text, spec),
      calm: quiet && new Calm(quiet),
      version: undefined,
      reported: undefined,
      used: new Set(),
      isComplete: false,
      isRefused: false,
      missing: [],
    }
  })
  const {maxStaleMs} = options
  const wake = new Wake()
  await using store = new Store(client, {...(maxStaleMs !== undefined && {maxStaleMs})}, () => wake.wake())
  await new Run(client, {jobs, store, wake}, options).loop()
}

/** Interval in milliseconds at which a run with `once` checks whether the first read of all data has ended. */
const attemptMs = 20
/**
 * Interval in milliseconds at which a run with `once` and without a time limit checks for an outage after the first
 * read.
 */
const outageMs = 500

class Run {
  readonly #client: ConsulClient
  readonly #jobs: readonly Job[]
  readonly #store: Store
  readonly #wake: Wake
  readonly #options: RunTemplatesOptions
  #isReady: boolean

  constructor(
    client: ConsulClient,
    parts: {readonly jobs: readonly Job[]; readonly store: Store; readonly wake: Wake},
    options: RunTemplatesOptions,
  ) {
    this.#client = client
    this.#jobs = parts.jobs
    this.#store = parts.store
    this.#wake = parts.wake
    this.#options = options
    this.#isReady = options.isReady ?? false
  }

  async loop(): Promise<void> {
    const {signal, once, timeoutMs} = this.#options
    const {clock} = this.#client
    const endMs = once === true && timeoutMs !== undefined ? clock.monotonicMs() + timeoutMs : undefined
    while (!signal.aborted) {
      const pauseMs = await this.#step()
      if (once === true && this.#jobs.every(job => job.isComplete)) return
      if (!(await this.#wait(endMs, pauseMs))) throw this.#outage() ?? new TemplatesMissingError(this.#missing())
    }
  }

  /**
   * Waits until another rendering may be needed. Resolves to false if the time limit has passed, or if Consul cannot be
   * reached and there is no time limit.
   */
  async #wait(endMs: number | undefined, dueMs: number | undefined): Promise<boolean> {
    const {clock} = this.#client
    if (this.#options.once === true && endMs === undefined) {
      if (this.#outage() !== undefined) return false
      const checkMs = this.#isFirstAttempt() ? attemptMs : outageMs
      return this.#pause(Math.min(checkMs, dueMs ?? checkMs))
    }
    let pauseMs = dueMs
    let leftMs = endMs === undefined ? undefined : endMs - clock.monotonicMs()
    if (leftMs !== undefined && leftMs <= 0) {
      if (!this.#isFirstAttempt()) return false
      leftMs = undefined
      pauseMs = Math.min(pauseMs ?? attemptMs, attemptMs)
    }
    return this.#pause(Math.min(leftMs ?? Number.POSITIVE_INFINITY, pauseMs ?? Number.POSITIVE_INFINITY))
  }

  /** Waits for a change, but at most for `mostMs`. Resolves to true. */
  async #pause(mostMs: number): Promise<true> {
    const {signal} = this.#options
    const {clock} = this.#client
    try {
      if (mostMs === Number.POSITIVE_INFINITY) await this.#wake.wait(signal)
      else await this.#wake.waitAtMost(mostMs, {clock, signal})
    } catch (error) {
      if (!signal.aborted) throw error
    }
    return true
  }

  /**
   * Renders templates whose data has changed. Resolves to the time in milliseconds until the next delay ends, or to
   * undefined if no delay is running.
   */
  async #step(): Promise<number | undefined> {
    const nowMs = this.#client.clock.monotonicMs()
    const waits: number[] = []
    const isCalm = (job: Job): boolean => {
      const {once, dry} = this.#options
      if (!job.isComplete || job.calm === undefined || once === true || dry === true) return true
      const leftMs = job.calm.leftMs(this.#store.versionOf(job.used), nowMs)
      if (leftMs > 0) waits.push(leftMs)
      else job.calm.reset()
      return leftMs <= 0
    }
    const changed = this.#jobs.filter(job => this.#isBehind(job))
    const due = changed.filter(isCalm)
    if (due.some(job => job.isComplete)) due.push(...this.#jobs.filter(job => job.isRefused && !due.includes(job)))
    await this.#write(due)
    await this.#store.keepOnly(new Set(this.#jobs.flatMap(job => [...job.used])))
    return waits.length === 0 ? undefined : Math.min(...waits)
  }

  /** True until the first read of every dependency has ended. This first read is not subject to the time limit. */
  #isFirstAttempt(): boolean {
    if (this.#jobs.some(job => this.#isBehind(job))) return true
    return this.#missing().some(({name}) => this.#store.isFirstAttempt(name))
  }

  /** True if data of the job has changed since its last rendering. */
  #isBehind(job: Job): boolean {
    return job.version !== this.#store.versionOf(job.used)
  }

  #renderAll(jobs: readonly Job[]): Rendered[] {
    return jobs.flatMap(job => {
      const rendering = this.#render(job)
      return rendering.kind === 'complete' ? [{template: job.spec, bytes: rendering.bytes}] : []
    })
  }

  #render(job: Job): Rendering {
    const {env, onEvent, once} = this.#options
    const {clock} = this.#client
    const surroundings = {now: () => clock.wallMs(), env: job.spec.env ?? env}
    const rendering = job.file.render({store: this.#store, surroundings, limits: {now: () => clock.monotonicMs()}})
    // The file still shows the data of the last complete rendering, so the run must follow that data too.
    job.used = rendering.kind === 'complete' ? rendering.used : new Set([...job.used, ...rendering.used])
    job.missing = rendering.kind === 'incomplete' ? rendering.missing : []
    job.version = this.#store.versionOf(job.used)
    if (rendering.kind === 'complete') {
      job.isComplete = true
      job.reported = undefined
      onEvent?.({type: 'rendered', template: job.spec, bytes: rendering.bytes})
      return rendering
    }
    if (rendering.kind === 'failed') {
      if (job.spec.isErrorFatal ?? once === true) throw rendering.error
      if (job.reported !== rendering.error.message) {
        onEvent?.({type: 'failed', template: job.spec, error: rendering.error})
      }
      job.reported = rendering.error.message
    } else {
      const missing = rendering.missing.map(({name, why}) => `${name} ${why}`).join('\n')
      if (job.reported !== missing) onEvent?.({type: 'waiting', template: job.spec, missing: rendering.missing})
      job.reported = missing
    }
    return rendering
  }

  async #write(due: readonly Job[]): Promise<void> {
    const {dry, inTurn} = this.#options
    const rendered = this.#renderAll(due)
    if (dry === true) return
    if (inTurn === undefined || !(await someWouldChange(rendered))) {
      await this.#change(rendered)
      return
    }
    // Data may have changed while `inTurn` was waiting, so everything is rendered again.
    await inTurn(() => this.#change(this.#renderAll(due)))
  }

  async #change(rendered: readonly Rendered[]): Promise<void> {
    const {onEvent = () => {}, onCommand = async () => {}, onCheck = async () => {}, rollsBack = false} = this.#options
    const {changed, failure, isRefused} = await changeFiles(rendered, {onEvent, onCommand, onCheck, rollsBack})
    const templates = new Set(rendered.map(({template}) => template))
    for (const job of this.#jobs) if (templates.has(job.spec)) job.isRefused = isRefused === true
    if (failure !== undefined && this.#options.once === true) throw failure
    // The child is started when its files exist, but is not notified if files were only restored.
    if (isRefused !== true) await this.#tell(failure === undefined ? changed : [])
  }

  async #tell(changed: readonly TemplateSpec[]): Promise<void> {
    const {onReady, onWritten} = this.#options
    if (this.#isReady) {
      if (changed.length > 0) await onWritten?.(changed)
    } else if (this.#jobs.every(job => job.isComplete && !job.isRefused)) {
      this.#isReady = true
      await onReady?.()
    }
  }

  /** Returns the failure because of which missing data could not be read even once; undefined if there is none. */
  #outage(): unknown {
    return this.#missing()
      .map(({name}) => this.#store.outageOf(name))
      .find(error => error !== undefined)
  }

  #missing(): readonly Missing[] {
    const missing = new Map(this.#jobs.flatMap(job => job.missing).map(({name, why}) => [name, why]))
    return Array.from(missing, ([name, why]) => ({name, why}))
  }
}

async function someWouldChange(rendered: readonly Rendered[]): Promise<boolean> {
  for (const {template, bytes} of rendered) {
    if (template.destination !== undefined && (await wouldChange(template.destination, bytes, template))) return true
  }
  return false
}
