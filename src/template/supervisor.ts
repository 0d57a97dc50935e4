import {randomUUID} from 'node:crypto'
import {Backoff} from '../core/time/backoff.js'
import type {Clock} from '../core/types.js'
import {type Child, startChild} from '../process/child.js'
import type {ChildExit} from '../process/exit-code.js'
import {Guardian} from '../process/guardian/guardian.js'
import {launchPlainly} from '../process/launch.js'

/** Events of a supervised child. */
export type ChildEvent =
  | {readonly type: 'exited'; readonly exit: ChildExit; readonly restartMs: number}
  | {readonly type: 'unguarded'; readonly why: string}

/** A child that uses the files of templates, and how to reload and stop it. */
export interface SupervisedChild {
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  /** Signal that the child receives after files have changed. If undefined, the child is stopped and started again. */
  readonly reloadSignal?: NodeJS.Signals
  /** Signal that asks the child to stop. @default 'SIGTERM' */
  readonly killSignal?: NodeJS.Signals
  /** Time in milliseconds between `killSignal` and KILL. */
  readonly graceMs: number
  /** Maximum random delay in milliseconds before the child is signalled or restarted. @default 0 */
  readonly splayMs?: number
  /** Whether the child is started again after it has exited. @default 'never' */
  readonly restart?: 'never' | 'on-failure' | 'always'
}

/** The clock, observer and other services that a supervisor uses. */
export interface SupervisorHost {
  readonly stdin: 'inherit' | 'ignore'
  readonly clock: Clock
  readonly random: () => number
  readonly onEvent: (event: ChildEvent) => void
}

const markedBy = 'BATON_TEMPLATE_CHILD'
/**
 * If the child has run for this time in milliseconds, the delay before its restart is as short as before the first
 * restart.
 */
const steadyMs = 60_000
/** If baton dies, the guardian process only stops the child, because nothing in Consul must be released. */
const noRelease = {target: {}, requests: []}

/**
 * Keeps one child running while files change. If baton dies, a guardian process stops the child and its descendants. If
 * the child exits and must not be restarted, `ended` resolves to its exit.
 */
export class Supervisor implements AsyncDisposable {
  /** Resolves when the child has exited by itself. Rejects if it cannot be started again. */
  readonly ended: Promise<ChildExit>
  readonly settings: SupervisedChild
  readonly #host: SupervisorHost
  readonly #mark = randomUUID()
  readonly #backoff: Backoff
  readonly #stopped = new AbortController()
  readonly #hurry = new AbortController()
  #env: Readonly<Record<string, string>>
  #isStarted = false
  #guardian: Guardian | undefined
  #child: Child | undefined
  #end: (exit: ChildExit) => void = () => {}
  #fail: (error: unknown) => void = () => {}

  constructor(settings: SupervisedChild, host: SupervisorHost) {
    this.settings = settings
    this.#host = host
    this.#env = settings.env
    this.#backoff = new Backoff({minMs: 1000, random: host.random})
    this.ended = new Promise((resolve, reject) => {
      this.#end = resolve
      this.#fail = reject
    })
  }

  /** True once the child has been started for the first time. */
  get isStarted(): boolean {
    return this.#isStarted
  }

  /** Starts the child. `given` replaces its environment. Rejects with a ChildError if the child cannot be started. */
  async start(given?: Readonly<Record<string, string>>): Promise<void> {
    if (given) this.#env = given
    const {argv, graceMs} = this.settings
    const {clock, stdin, onEvent} = this.#host
    const env = this.#env
    this.#isStarted = true
    this.#guardian ??= new Guardian({
      graceMs,
      marker: `${markedBy}=${this.#mark}`,
      searchPath: env['PATH'],
      release: noRelease,
      onFailure: why => onEvent({type: 'unguarded', why}),
    })
    const marked = {...env, [markedBy]: this.#mark}
    const child = await startChild({argv, env: marked, stdin, shape: 'group', markedBy, clock}, launchPlainly)
    this.#guardian.watch(child.family)
    this.#child = child
    const startedAtMs = clock.monotonicMs()
    void child.exited.then(exit => this.#handleExit(child, exit, clock.monotonicMs() - startedAtMs))
  }

  /** Sends the reload signal to the child, or restarts the child. `env` replaces the environment of later starts. */
  async change(env?: Readonly<Record<string, string>>): Promise<void> {
    if (env) this.#env = env
    const {reloadSignal, splayMs = 0} = this.settings
    const {clock, random} = this.#host
    if (splayMs > 0) await clock.sleep(random() * splayMs, this.#stopped.signal).catch(() => {})
    if (this.#stopped.signal.aborted) return
    if (reloadSignal !== undefined) this.#child?.signal(reloadSignal)
    else {
      await this.#stop()
      await this.start()
    }
  }

  /** Sends a signal to the child and its descendants. */
  signal(name: NodeJS.Signals): void {
    this.#child?.signal(name)
  }

  /** Kills a child that is being stopped, without waiting for the end of its grace period. */
  hurry(): void {
    this.#hurry.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort()
    await this.#stop()
    this.#guardian?.released()
  }

  async #handleExit(child: Child, exit: ChildExit, ranMs: number): Promise<void> {
    if (this.#child !== child) return
    const {restart = 'never'} = this.settings
    const {clock, onEvent} = this.#host
    // Descendants that the child left behind would compete with the next child for files and ports.
    await this.#stop()
    if (restart === 'never' || (restart === 'on-failure' && exit.code === 0)) {
      this.#end(exit)
      return
    }
    if (ranMs >= steadyMs) this.#backoff.reset()
    const restartMs = this.#backoff.next()
    onEvent({type: 'exited', exit, restartMs})
    await clock.sleep(restartMs, this.#stopped.signal).catch(() => {})
    // The child may have been started by `change` in the meantime.
    if (!this.#stopped.signal.aborted && !this.#isRunning())
      await this.start().catch((error: unknown) => this.#fail(error))
  }

  #isRunning(): boolean {
    return this.#child !== undefined
  }

  async #stop(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#child = undefined
    const {graceMs, killSignal} = this.settings
    const hurry = this.#hurry.signal
    await child.stop({graceMs, hurry, ...(killSignal !== undefined && {signal: killSignal})})
    this.#guardian?.familyIsGone()
  }
}
