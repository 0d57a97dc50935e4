import type {ConsulClient} from '../core/client.js'
import {BatonError} from '../core/errors.js'
import {createViewRegistry} from '../core/query/view-registry.js'
import {Wake} from '../core/time/wake.js'
import {changeFiles} from './change.js'
import {loadYaml} from './functions/yaml-read.js'
import {Calm} from './quiet.js'
import {type RenderedFile, type Rendering, readTemplate} from './render.js'
import {Store} from './store.js'
import type {Missing, Quiet, Rendered, TemplateCommand, TemplateEvent, TemplateSpec} from './types.js'
import {wouldChange} from './write.js'

/** How templates are run. */
export interface RunTemplatesOptions {
  /** Ends the run. */
  readonly signal: AbortSignal
  /** The variables of the environment that templates see. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** True to end as soon as every template has been rendered and written. @default false */
  readonly once?: boolean
  /** Longest time in milliseconds until every template has been rendered, with `once`. @default no limit */
  readonly timeoutMs?: number
  /** True to write nothing and run no command. @default false */
  readonly dry?: boolean
  /** Pause without a change before files are written. @default no pause */
  readonly quiet?: Quiet
  /** Maximum age in milliseconds of stale answers. @default no limit */
  readonly maxStaleMs?: number
  /** True to put old files back after a command has failed. @default false */
  readonly rollsBack?: boolean
  readonly onEvent?: (event: TemplateEvent) => void
  /** Checks a new file. Rejecting leaves the files as they are; with `once` it ends the run. @default no check */
  readonly onCheck?: (check: TemplateCommand, path: string) => Promise<void>
  /** Runs the command of templates whose files have changed; each command runs once. Rejecting ends a run with `once`. */
  readonly onCommand?: (command: TemplateCommand) => Promise<void>
  /** Runs the replacement of files, with their commands and `onWritten`, when it may. @default at once */
  readonly inTurn?: (work: () => Promise<void>) => Promise<void>
  /** True if the files were there already, in an earlier run. @default false */
  readonly isReady?: boolean
  /** Called once, when all files are there for the first time. */
  readonly onReady?: () => Promise<void>
  /** Called after {@link onReady} whenever files have changed and their commands have run. */
  readonly onWritten?: (changed: readonly TemplateSpec[]) => Promise<void>
}

/** With `once`: not everything was there in time. */
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
  /** What the last rendering was made from; undefined until there is one. */
  version: string | undefined
  /** The last report of what could not be rendered. */
  reported: string | undefined
  used: ReadonlySet<string>
  isComplete: boolean
  /** True if its last text was refused by a check: it is tried again when another file of its group changes. */
  isRefused: boolean
  missing: readonly Missing[]
}

/**
 * Renders templates and writes their files, once or whenever something they use changes. A file is written only when
 * everything in it is known. An outage, and an answer that Consul's leader does not confirm, change no file.
 *
 * Resolves when the signal aborts, or with `once` when everything is written. Rejects with a UsageError if a template is
 * wrong, with a BatonError (BATON_NOT_FOUND) that names what is missing at the time limit, and with `once` with what a
 * check or command rejects with. An error while a template is executed ends a run with `once`; otherwise it is an event,
 * and the file stays as it is.
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
  await using views = createViewRegistry(client, {...(maxStaleMs !== undefined && {maxStaleMs})})
  const wake = new Wake()
  await using store = new Store(client, views, () => wake.wake())
  await new Run(client, {jobs, store, wake}, options).loop()
}

/** After the time limit, how often it is looked whether the first attempts have ended. */
const attemptMs = 20

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
      if (!(await this.#wait(endMs, pauseMs))) throw new TemplatesMissingError(this.#missing())
    }
  }

  /** False if the time is over. */
  async #wait(endMs: number | undefined, dueMs: number | undefined): Promise<boolean> {
    const {signal} = this.#options
    const {clock} = this.#client
    let pauseMs = dueMs
    let leftMs = endMs === undefined ? undefined : endMs - clock.monotonicMs()
    if (leftMs !== undefined && leftMs <= 0) {
      if (!this.#isFirstAttempt()) return false
      leftMs = undefined
      pauseMs = Math.min(pauseMs ?? attemptMs, attemptMs)
    }
    const mostMs = Math.min(leftMs ?? Number.POSITIVE_INFINITY, pauseMs ?? Number.POSITIVE_INFINITY)
    try {
      if (mostMs === Number.POSITIVE_INFINITY) await this.#wake.wait(signal)
      else await this.#wake.waitAtMost(mostMs, {clock, signal})
    } catch (error) {
      if (!signal.aborted) throw error
    }
    return true
  }

  /** Renders what has changed. Resolves to the time until something else is due, undefined if nothing waits for time. */
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

  /** True until everything that is needed was read once: the time limit does not forbid that. */
  #isFirstAttempt(): boolean {
    if (this.#jobs.some(job => this.#isBehind(job))) return true
    return this.#missing().some(({name}) => this.#store.isFirstAttempt(name))
  }

  /** True if something that the job used has changed since it was rendered. */
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
    const rendering = job.file.render({store: this.#store, surroundings})
    // What the last complete rendering used is followed on: the file still shows it.
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
    // What was rendered before the wait may be old after it.
    await inTurn(() => this.#change(this.#renderAll(due)))
  }

  async #change(rendered: readonly Rendered[]): Promise<void> {
    const {onEvent = () => {}, onCommand = async () => {}, onCheck = async () => {}, rollsBack = false} = this.#options
    const {changed, failure, isRefused} = await changeFiles(rendered, {onEvent, onCommand, onCheck, rollsBack})
    const templates = new Set(rendered.map(({template}) => template))
    for (const job of this.#jobs) if (templates.has(job.spec)) job.isRefused = isRefused === true
    if (failure !== undefined && this.#options.once === true) throw failure
    // A child needs its files, but it need not know of those that were put back.
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
