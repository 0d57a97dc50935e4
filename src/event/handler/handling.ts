import type {Clock, UserEvent} from '../../core/types.js'
import {runHandlerToSuccess} from '../../process/handler.js'
import {type MemberEventType, type Occurrence, type SelectedScript, selects} from '../selector.js'
import {
  batchEnvironment,
  batchInput,
  type EventFacts,
  eventEnvironment,
  type SelfFacts,
  selfEnvironment,
  serfInput,
} from './handler-io.js'

export interface HandlingOptions {
  /** Command that runs for every event, or for every batch. */
  readonly argv?: readonly [string, ...string[]]
  /** Scripts as in Serf: /bin/sh runs each script that selects the event, one after another. */
  readonly scripts?: readonly SelectedScript[]
  /** Lets scripts for different occurrences run at the same time, unlike Serf. @default false */
  readonly isConcurrent?: boolean
  readonly env: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly timeoutMs?: number
  readonly graceMs?: number
  /** Returns the payload that the sender passed to `fire`. */
  readonly resolve: (payload: Buffer | undefined, signal: AbortSignal) => Promise<Buffer | undefined>
}

interface Run {
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  readonly input: Buffer
}

interface ScriptWork {
  readonly occurrence: Occurrence
  readonly env: Readonly<Record<string, string>>
  readonly input: Buffer
  readonly done: Set<SelectedScript>
}

/** Runs the command or the scripts of an event. A second attempt runs only the scripts that failed in the first one. */
export class EventHandling {
  readonly #options: HandlingOptions
  readonly #succeeded = new WeakMap<UserEvent, Set<SelectedScript>>()
  /**
   * Resolves when the running scripts have ended; undefined if no script is running. As in Serf, scripts run one after
   * another.
   */
  #turn: Promise<void> | undefined

  constructor(options: HandlingOptions) {
    this.#options = options
  }

  async one(event: UserEvent, facts: EventFacts, signal: AbortSignal): Promise<void> {
    const {argv} = this.#options
    const payload = await this.#options.resolve(event.payload, signal)
    const env = eventEnvironment(event, facts)
    if (argv) await this.#run({argv, env, input: payload ?? Buffer.alloc(0)}, signal)
    const done = this.#succeeded.get(event) ?? new Set()
    this.#succeeded.set(event, done)
    await this.#runScripts({occurrence: {type: 'user', name: event.name}, env, input: serfInput(payload), done}, signal)
  }

  /**
   * Runs the command for a batch. Its stdin is the list as JSON in Consul's form, with the payloads that the senders
   * passed to `fire`.
   */
  async batch(events: readonly UserEvent[], facts: EventFacts, signal: AbortSignal): Promise<void> {
    const {argv} = this.#options
    if (!argv) return
    const whole: UserEvent[] = []
    for (const event of events) whole.push({...event, payload: await this.#options.resolve(event.payload, signal)})
    await this.#run({argv, env: batchEnvironment(events, facts), input: batchInput(whole)}, signal)
  }

  /** Runs the scripts that select a change of membership. */
  async members(type: MemberEventType, input: string, self: SelfFacts, signal: AbortSignal): Promise<void> {
    const env = {...selfEnvironment(self), SERF_EVENT: type}
    await this.#runScripts({occurrence: {type}, env, input: Buffer.from(input), done: new Set()}, signal)
  }

  /**
   * Runs all scripts that select the occurrence and have not succeeded yet. If one fails, the others still run, and the
   * first failure is the reason of the rejection.
   */
  async #runScripts(work: ScriptWork, signal: AbortSignal): Promise<void> {
    const {scripts = [], isConcurrent = false} = this.#options
    const chosen = scripts.filter(script => !work.done.has(script) && selects(script, work.occurrence))
    if (chosen.length === 0) return
    const before = isConcurrent ? undefined : this.#turn
    const turn = (async () => {
      await before
      let failure: unknown
      for (const script of chosen) {
        try {
          await this.#run({argv: ['/bin/sh', '-c', script.script], env: work.env, input: work.input}, signal)
          work.done.add(script)
        } catch (error) {
          failure ??= error
        }
      }
      if (failure !== undefined) throw failure
    })()
    this.#turn = turn.catch(() => undefined)
    await turn
  }

  async #run(run: Run, signal: AbortSignal): Promise<void> {
    const {env, clock, timeoutMs, graceMs} = this.#options
    await runHandlerToSuccess({
      argv: run.argv,
      env: {...env, ...run.env},
      input: run.input,
      clock,
      signal,
      ...(timeoutMs !== undefined && {timeoutMs}),
      ...(graceMs !== undefined && {graceMs}),
    })
  }
}
