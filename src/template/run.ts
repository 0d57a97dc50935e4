import type {ConsulClient} from '../core/client.js'
import {BatonError} from '../core/errors.js'
import {createViewRegistry} from '../core/query/view-registry.js'
import {Wake} from '../core/time/wake.js'
import {type Missing, type RenderedFile, type Rendering, readTemplate, type TemplateSyntax} from './render.js'
import {Store} from './store.js'
import {type PreparedFile, prepareFile, type WriteOptions} from './write.js'

/** One template and where its text goes. */
export interface TemplateSpec extends TemplateSyntax, WriteOptions {
  /** Names the template in errors and events: the path of its file. */
  readonly name: string
  /** The text of the template. */
  readonly text: string
  /** The file to write; undefined to hand the text over only. */
  readonly destination?: string
  /** The command to run after the file has changed. What it is, is up to `onCommand`. */
  readonly command?: string
}

/** What happens while templates are rendered. */
export type TemplateEvent =
  | {readonly type: 'rendered'; readonly template: TemplateSpec; readonly bytes: Uint8Array}
  | {readonly type: 'written'; readonly template: TemplateSpec; readonly destination: string}
  | {readonly type: 'waiting'; readonly template: TemplateSpec; readonly missing: readonly Missing[]}
  | {readonly type: 'failed'; readonly template: TemplateSpec; readonly error: Error}

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
  /** Pause without a change before the files are written, and the longest delay by such pauses. @default 0 and 4 times it */
  readonly quiet?: {readonly minMs: number; readonly maxMs?: number}
  /** Maximum age in milliseconds of stale answers. @default no limit */
  readonly maxStaleMs?: number
  readonly onEvent?: (event: TemplateEvent) => void
  /** Runs the command of templates whose files have changed; each command runs once. Rejecting ends the run. */
  readonly onCommand?: (command: string) => Promise<void>
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
  /** What the last complete rendering was made from; undefined until there is one. */
  version: string | undefined
  /** The last report of what could not be rendered. */
  reported: string | undefined
  used: ReadonlySet<string>
  isComplete: boolean
  missing: readonly Missing[]
}

/**
 * Renders templates and writes their files, once or whenever something they use changes. A file is written only when
 * everything in it is known. An outage, and an answer that Consul's leader does not confirm, change no file.
 *
 * Resolves when the signal aborts, or with `once` when everything is written. Rejects with a UsageError if a template is
 * wrong, with a BatonError (BATON_NOT_FOUND) that names what is missing at the time limit, and with what a command rejects with. An error while a
 * template is executed ends a run with `once`; otherwise it is an event, and the file stays as it is.
 */
export async function runTemplates(
  client: ConsulClient,
  templates: readonly TemplateSpec[],
  options: RunTemplatesOptions,
): Promise<void> {
  const jobs = templates.map(
    (spec): Job => ({
      spec,
      file: readTemplate(spec.name, spec.text, spec),
      version: undefined,
      reported: undefined,
      used: new Set(),
      isComplete: false,
      missing: [],
    }),
  )
  const {maxStaleMs} = options
  await using views = createViewRegistry(client, {...(maxStaleMs !== undefined && {maxStaleMs})})
  const wake = new Wake()
  await using store = new Store(client, views, () => wake.wake())
  await new Run(client, {jobs, store, wake}, options).loop()
}

class Run {
  readonly #client: ConsulClient
  readonly #jobs: readonly Job[]
  readonly #store: Store
  readonly #wake: Wake
  readonly #options: RunTemplatesOptions
  #isReady = false

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
  }

  async loop(): Promise<void> {
    const {signal, once, timeoutMs} = this.#options
    const {clock} = this.#client
    const endMs = once === true && timeoutMs !== undefined ? clock.monotonicMs() + timeoutMs : undefined
    while (!signal.aborted) {
      await this.#step()
      if (once === true && this.#jobs.every(job => job.isComplete)) return
      if (!(await this.#wait(endMs))) throw new TemplatesMissingError(this.#missing())
    }
  }

  /** False if the time is over. */
  async #wait(endMs: number | undefined): Promise<boolean> {
    const {signal} = this.#options
    const {clock} = this.#client
    try {
      if (endMs === undefined) await this.#wake.wait(signal)
      else {
        const leftMs = endMs - clock.monotonicMs()
        if (leftMs <= 0 || !(await this.#wake.waitAtMost(leftMs, {clock, signal}))) return false
      }
      await this.#quiet()
    } catch (error) {
      if (!signal.aborted) throw error
    }
    return true
  }

  /** Waits until nothing has changed for a while, unless files are still to be made for the first time. */
  async #quiet(): Promise<void> {
    const {quiet, signal, once} = this.#options
    if (quiet === undefined || once === true || !this.#jobs.every(job => job.isComplete)) return
    const {clock} = this.#client
    const endMs = clock.monotonicMs() + (quiet.maxMs ?? quiet.minMs * 4)
    for (;;) {
      const leftMs = Math.min(quiet.minMs, endMs - clock.monotonicMs())
      if (leftMs <= 0 || !(await this.#wake.waitAtMost(leftMs, {clock, signal}))) return
    }
  }

  async #step(): Promise<void> {
    const due = this.#jobs.filter(job => !job.isComplete || job.version !== this.#store.versionOf(job.used))
    const results = due.map(job => [job, this.#render(job)] as const)
    await this.#write(
      results.flatMap(([job, rendering]) => (rendering.kind === 'complete' ? [[job, rendering.bytes] as const] : [])),
    )
    await this.#store.keepOnly(new Set(this.#jobs.flatMap(job => [...job.used])))
  }

  #render(job: Job): Rendering {
    const {env, onEvent, once} = this.#options
    const {clock} = this.#client
    const rendering = job.file.render({store: this.#store, surroundings: {now: () => clock.wallMs(), env}})
    // What the last complete rendering used is followed on: the file still shows it.
    job.used = rendering.kind === 'complete' ? rendering.used : new Set([...job.used, ...rendering.used])
    job.missing = rendering.kind === 'incomplete' ? rendering.missing : []
    if (rendering.kind === 'complete') {
      job.version = this.#store.versionOf(job.used)
      job.isComplete = true
      job.reported = undefined
      onEvent?.({type: 'rendered', template: job.spec, bytes: rendering.bytes})
      return rendering
    }
    if (rendering.kind === 'failed') {
      if (once === true) throw rendering.error
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

  /** Writes all files beside their places before it puts the first one into its place. */
  async #write(rendered: readonly (readonly [Job, Uint8Array])[]): Promise<void> {
    const {dry, onEvent, onCommand} = this.#options
    if (dry === true) return
    const prepared: [TemplateSpec, PreparedFile][] = []
    try {
      for (const [{spec}, bytes] of rendered) {
        if (spec.destination === undefined) continue
        const file = await prepareFile(spec.destination, bytes, spec)
        if (file !== undefined) prepared.push([spec, file])
      }
    } catch (error) {
      for (const [, file] of prepared) await file.discard()
      throw error
    }
    for (const [spec, file] of prepared) {
      await file.commit()
      onEvent?.({type: 'written', template: spec, destination: file.destination})
    }
    const changed = prepared.map(([spec]) => spec)
    const commands = new Set(changed.flatMap(({command}) => (command === undefined ? [] : [command])))
    for (const command of commands) await onCommand?.(command)
    await this.#tell(changed)
  }

  async #tell(changed: readonly TemplateSpec[]): Promise<void> {
    const {onReady, onWritten} = this.#options
    if (this.#isReady) {
      if (changed.length > 0) await onWritten?.(changed)
    } else if (this.#jobs.every(job => job.isComplete)) {
      this.#isReady = true
      await onReady?.()
    }
  }

  #missing(): readonly Missing[] {
    const missing = new Map(this.#jobs.flatMap(job => job.missing).map(({name, why}) => [name, why]))
    return Array.from(missing, ([name, why]) => ({name, why}))
  }
}
