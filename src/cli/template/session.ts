import {readFileSync} from 'node:fs'
import {linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {messageOf} from '../../core/errors.js'
import {isHopeless} from '../../core/hopeless.js'
import {systemClock} from '../../core/time/clock.js'
import {Wake} from '../../core/time/wake.js'
import {createMutex} from '../../lock/mutex.js'
import type {ChildExit} from '../../process/exit-code.js'
import {runHandlerToSuccess} from '../../process/handler.js'
import {runTemplates} from '../../template/run.js'
import {Supervisor} from '../../template/supervisor.js'
import type {Quiet, TemplateCommand, TemplateEvent, TemplateSpec} from '../../template/types.js'
import type {Output} from '../output.js'
import {listen} from '../replicate/process.js'
import type {SignalSource, StopSignals} from '../signals.js'
import type {ChildSettings} from './child.js'
import {unifiedDiff} from './diff.js'
import {childLine, type EventLine, templateLine} from './event-text.js'

/** The templates and the child to run, according to the settings. */
export interface TemplatePlan {
  readonly specs: readonly TemplateSpec[]
  readonly child: ChildSettings | undefined
  readonly once: boolean
  readonly dry: boolean
  readonly isDiffShown: boolean
  readonly rollsBack: boolean
  readonly timeoutMs: number | undefined
  readonly maxStaleMs: number | undefined
  readonly quiet: Quiet | undefined
  /** Prefix of the lock that must be held while files are changed. */
  readonly lock: string | undefined
}

/** What the command provides to a session. */
export interface SessionHost {
  readonly plan: TemplatePlan
  readonly openClient: () => ConsulClient
  /** Called with a permanent failure to read data. */
  readonly onHopeless: (error: unknown) => void
  /** Reads the settings again. Rejects if they are not valid. */
  readonly replan: () => Promise<TemplatePlan>
  readonly stops: StopSignals
  readonly signals: SignalSource
  /** Environment variables that templates can read. */
  readonly templateEnv: Readonly<Record<string, string | undefined>>
  readonly stdin: 'inherit' | 'ignore'
  readonly out: Pick<Output, 'say' | 'warn' | 'error' | 'raw'>
}

/** Signals that are passed on to the child. */
const passedOn = ['SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const

/**
 * Runs templates and their child until the child ends or a signal stops it. A reload replaces the
 * settings.
 */
export class TemplateSession implements AsyncDisposable {
  readonly #host: SessionHost
  readonly #reloads = new Wake()
  readonly #stop = linkSignal(undefined)
  readonly #listeners: Disposable[]
  #plan: TemplatePlan
  #supervisor: Supervisor | undefined
  #exit: ChildExit | undefined
  #failure: {readonly error: unknown} | undefined
  readonly #rendered = new Set<TemplateSpec>()

  constructor(host: SessionHost) {
    this.#host = host
    this.#plan = host.plan
    host.stops.onEach((_name, count) => {
      if (count > 1) this.#supervisor?.hurry()
    })
    // The command also aborts this signal if reads from Consul fail permanently.
    const {signal} = host.stops
    if (signal.aborted) this.#stop.abort(signal.reason)
    signal.addEventListener('abort', () => this.#stop.abort(signal.reason), {once: true})
    this.#listeners = passedOn.map(name => listen(host.signals, name, () => this.#supervisor?.signal(name)))
  }

  /** True once each template of the current settings has been rendered. */
  get isRendered(): boolean {
    return this.#plan.specs.every(spec => this.#rendered.has(spec))
  }

  /** Requests a reload of the settings. */
  reload(): void {
    this.#reloads.wake()
  }

  stop(): void {
    this.#stop.abort(undefined)
  }

  /** Resolves to the child's exit if the child ended by itself, otherwise to undefined. */
  async run(): Promise<ChildExit | undefined> {
    for (let next: TemplatePlan | undefined = this.#plan; next !== undefined; ) {
      this.#plan = next
      next = await this.#round()
    }
    if (this.#plan.once && this.#supervisor !== undefined) await this.#untilStopped()
    if (this.#failure) throw this.#failure.error
    return this.#exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) listener[Symbol.dispose]()
    await this.#supervisor?.[Symbol.asyncDispose]()
    this.#stop[Symbol.dispose]()
  }

  /**
   * Runs the current plan. Resolves to the next plan after a reload, or to undefined when the session is
   * over.
   */
  async #round(): Promise<TemplatePlan | undefined> {
    using round = linkSignal(this.#stop.signal)
    let next: TemplatePlan | undefined
    const reloading = this.#plan.once
      ? Promise.resolve()
      : this.#waitForReload(round.signal).then(plan => {
          next = plan
          round.abort(undefined)
        })
    try {
      await using client = this.#host.openClient()
      await this.#adoptChild(client)
      await this.#render(client, round.signal)
    } finally {
      round.abort(undefined)
      await reloading
    }
    return this.#stop.signal.aborted ? undefined : next
  }

  async #waitForReload(signal: AbortSignal): Promise<TemplatePlan | undefined> {
    while (!signal.aborted) {
      try {
        await this.#reloads.wait(signal)
      } catch {
        return undefined
      }
      this.#host.out.warn('Reloading configuration...')
      try {
        return await this.#host.replan()
      } catch (error) {
        this.#host.out.error(`baton: reload failed, the old settings stay in effect: ${messageOf(error)}`)
      }
    }
    return undefined
  }

  /**
   * Keeps the running child if the new settings describe the same child. Otherwise stops it and prepares the new one.
   */
  async #adoptChild(client: ConsulClient): Promise<void> {
    const {child} = this.#plan
    if (this.#supervisor !== undefined && isEqual(this.#supervisor.settings, child)) return
    await this.#supervisor?.[Symbol.asyncDispose]()
    this.#supervisor = undefined
    if (child === undefined) return
    const supervisor = new Supervisor(child, {
      stdin: this.#host.stdin,
      clock: systemClock,
      random: client.random,
      onEvent: event => this.#say(childLine(event)),
    })
    this.#supervisor = supervisor
    void supervisor.ended.then(
      exit => {
        this.#exit = exit
        this.#stop.abort(undefined)
      },
      (error: unknown) => {
        this.#failure = {error}
        this.#stop.abort(undefined)
      },
    )
  }

  async #render(client: ConsulClient, signal: AbortSignal): Promise<void> {
    const {specs, once, dry, rollsBack, timeoutMs, maxStaleMs, quiet, lock} = this.#plan
    const supervisor = this.#supervisor
    await runTemplates(client, specs, {
      signal,
      env: this.#host.templateEnv,
      once,
      dry,
      rollsBack,
      ...(timeoutMs !== undefined && {timeoutMs}),
      ...(maxStaleMs !== undefined && {maxStaleMs}),
      ...(quiet && {quiet}),
      onEvent: event => this.#report(event),
      onCheck: (check, path) => this.#run(check, signal, path),
      onCommand: command => this.#run(command, signal),
      ...(lock !== undefined && {inTurn: work => this.#inTurn(client, {lock, signal}, work)}),
      ...(supervisor && {
        isReady: supervisor.isStarted,
        onReady: () => supervisor.start(),
        onWritten: () => supervisor.change(),
      }),
    })
  }

  async #inTurn(
    client: ConsulClient,
    {lock, signal}: {readonly lock: string; readonly signal: AbortSignal},
    work: () => Promise<void>,
  ): Promise<void> {
    const {out} = this.#host
    const observer = (event: {readonly type: string}): void => {
      if (event.type === 'lock.waiting') out.say(`waits for the lock ${lock} to change files`)
    }
    const mutex = createMutex(client, {
      prefix: lock,
      sessionName: 'baton template',
      command: 'baton template',
      observer,
    })
    await using hold = await mutex.acquire({signal})
    await work()
    if (hold.signal.aborted)
      out.warn(`the lock ${lock} was lost while files changed: another host may have changed its own`)
  }

  async #run(command: TemplateCommand, signal: AbortSignal, path?: string): Promise<void> {
    const {argv, env, timeoutMs} = command
    const [file, ...words] = argv
    // A shell command receives the path as $1. The word `sh` before it becomes $0.
    const isShell = file === '/bin/sh' && words[0] === '-c'
    const given = path === undefined ? [] : isShell ? ['sh', path] : [path]
    await runHandlerToSuccess({
      argv: [file, ...words, ...given],
      env: path === undefined ? env : {...env, BATON_FILE: path},
      input: new Uint8Array(),
      clock: systemClock,
      signal,
      ...(timeoutMs > 0 && {timeoutMs}),
    })
  }

  #report(event: TemplateEvent): void {
    const {out} = this.#host
    const {dry, isDiffShown} = this.#plan
    if (event.type === 'rendered') this.#rendered.add(event.template)
    if (event.type === 'failed' && isHopeless(event.error)) this.#host.onHopeless(event.error)
    if (event.type === 'rendered' && dry) {
      const {destination = ''} = event.template
      if (isDiffShown) out.raw(unifiedDiff(destination, currentText(destination), toText(event.bytes)))
      else {
        out.raw(`> ${destination}\n`)
        out.raw(event.bytes)
      }
    }
    if (event.type === 'written' && isDiffShown) {
      out.raw(unifiedDiff(event.destination, toText(event.before), toText(event.bytes)))
    }
    const line = templateLine(event)
    if (line) this.#say(line)
  }

  #say({kind, text}: EventLine): void {
    const {out} = this.#host
    if (kind === 'error') out.error(`baton: ${text}`)
    else if (kind === 'warn') out.warn(text)
    else out.say(text)
  }

  #untilStopped(): Promise<void> {
    const {signal} = this.#stop
    return new Promise(resolve => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), {once: true})
    })
  }
}

const toText = (bytes: Uint8Array | undefined): string => (bytes === undefined ? '' : Buffer.from(bytes).toString())

function currentText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const isEqual = (a: ChildSettings, b: ChildSettings | undefined): boolean => JSON.stringify(a) === JSON.stringify(b)
