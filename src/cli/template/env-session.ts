import {linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {systemClock} from '../../core/time/clock.js'
import type {ChildExit} from '../../process/exit-code.js'
import {
  type EnvironmentFolder,
  followEnvironment,
  type NameRules,
  type SkippedKey,
  type Variables,
} from '../../template/environment.js'
import {Supervisor} from '../../template/supervisor.js'
import type {Quiet} from '../../template/types.js'
import type {Output} from '../output.js'
import {listen} from '../replicate/process.js'
import type {SignalSource, StopSignals} from '../signals.js'
import type {ChildSettings} from './child.js'
import {childLine} from './event-text.js'

/** The parts of the command that a session needs. */
export interface EnvHost {
  readonly client: ConsulClient
  readonly folders: readonly EnvironmentFolder[]
  readonly child: ChildSettings
  readonly rules: NameRules
  readonly once: boolean
  readonly quiet: Quiet | undefined
  readonly maxStaleMs: number | undefined
  readonly stops: StopSignals
  readonly signals: SignalSource
  readonly stdin: 'inherit' | 'ignore'
  readonly out: Pick<Output, 'say' | 'warn' | 'error'>
}

/** Signals that are passed on to the program. */
const passedOn = ['SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const

/** Runs a program whose environment variables come from keys, and follows changes of these keys. */
export class EnvSession implements AsyncDisposable {
  readonly #host: EnvHost
  readonly #supervisor: Supervisor
  readonly #stop = linkSignal(undefined)
  readonly #listeners: readonly Disposable[]
  readonly #reported = new Set<string>()

  constructor(host: EnvHost) {
    this.#host = host
    const {child, client, stops, stdin} = host
    this.#supervisor = new Supervisor(child, {
      stdin,
      clock: systemClock,
      random: client.random,
      onEvent: event => {
        const {kind, text} = childLine(event)
        if (kind === 'error') host.out.error(`baton: ${text}`)
        else if (kind === 'warn') host.out.warn(text)
        else host.out.say(text)
      },
    })
    stops.onEach((_name, count) => {
      if (count > 1) this.#supervisor.hurry()
    })
    const {signal} = stops
    if (signal.aborted) this.#stop.abort(signal.reason)
    signal.addEventListener('abort', () => this.#stop.abort(signal.reason), {once: true})
    this.#listeners = passedOn.map(name => listen(host.signals, name, () => this.#supervisor.signal(name)))
  }

  /** True after the first start of the program. */
  get isStarted(): boolean {
    return this.#supervisor.isStarted
  }

  /**
   * Resolves to the program's exit if the program ended by itself, or to undefined if a signal
   * stopped baton.
   */
  async run(): Promise<ChildExit | undefined> {
    const {client, folders, rules, once, quiet, maxStaleMs} = this.#host
    const {signal} = this.#stop
    const ended = this.#supervisor.ended.finally(() => this.#stop.abort(undefined))
    ended.catch(() => {})
    const following = followEnvironment(client, folders, {
      signal,
      ...rules,
      once,
      ...(quiet && {quiet}),
      ...(maxStaleMs !== undefined && {maxStaleMs}),
      onVariables: variables => this.#apply(variables),
    })
    await following
    if (!signal.aborted) await aborted(signal)
    return this.#host.stops.signal.aborted ? undefined : await ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) listener[Symbol.dispose]()
    await this.#supervisor[Symbol.asyncDispose]()
    this.#stop[Symbol.dispose]()
  }

  async #apply({variables, skipped}: Variables): Promise<void> {
    for (const key of skipped) this.#report(key)
    const {child, out, folders} = this.#host
    if (Object.keys(variables).length === 0) {
      out.warn(`no key below ${folders.map(({path}) => path).join(' or ')}`)
    }
    const env = {...child.env, ...variables}
    if (this.#supervisor.isStarted) out.say('the variables changed')
    await (this.#supervisor.isStarted ? this.#supervisor.change(env) : this.#supervisor.start(env))
  }

  #report({key, why}: SkippedKey): void {
    const text = `key ${key} is left out: ${why}`
    if (this.#reported.has(text)) return
    this.#reported.add(text)
    this.#host.out.warn(text)
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => signal.addEventListener('abort', () => resolve(), {once: true}))
