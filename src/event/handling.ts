import {BatonError} from '../core/errors.js'
import type {Clock, UserEvent} from '../core/types.js'
import {runHandler} from '../process/handler.js'
import {batchEnvironment, batchInput, type EventFacts, eventEnvironment, serfInput} from './handler-io.js'
import {type SelectedScript, selects} from './selector.js'

export interface HandlingOptions {
  /** Runs for every event, or for every batch. */
  readonly argv?: readonly [string, ...string[]]
  /** Serf's form: each script that selects the event runs, one after another, by /bin/sh. */
  readonly scripts?: readonly SelectedScript[]
  readonly env: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly timeoutMs?: number
  readonly graceMs?: number
  /** The payload as it was given to `fire`. */
  readonly resolve: (payload: Buffer | undefined, signal: AbortSignal) => Promise<Buffer | undefined>
}

/** A handler that ended with anything but 0. */
export class HandlerFailedError extends BatonError {
  readonly exitCode: number
  constructor(message: string, exitCode: number) {
    super('BATON_CHILD', message)
    this.exitCode = exitCode
  }
}

interface Run {
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  readonly input: Buffer
}

/** Runs what is to be run for an event. A second attempt runs only those scripts that failed in the first. */
export class EventHandling {
  readonly #options: HandlingOptions
  readonly #succeeded = new WeakMap<UserEvent, Set<SelectedScript>>()

  constructor(options: HandlingOptions) {
    this.#options = options
  }

  async one(event: UserEvent, facts: EventFacts, signal: AbortSignal): Promise<void> {
    const {argv, scripts = []} = this.#options
    const payload = await this.#options.resolve(event.payload, signal)
    const env = eventEnvironment(event, facts)
    if (argv) await this.#run({argv, env, input: payload ?? Buffer.alloc(0)}, signal)
    const done = this.#succeeded.get(event) ?? new Set()
    this.#succeeded.set(event, done)
    let failure: unknown
    for (const script of scripts) {
      if (done.has(script) || !selects(script, {type: 'user', name: event.name})) continue
      try {
        await this.#run({argv: ['/bin/sh', '-c', script.script], env, input: serfInput(payload)}, signal)
        done.add(script)
      } catch (error) {
        failure ??= error
      }
    }
    if (failure !== undefined) throw failure
  }

  /** The list as JSON on stdin, in Consul's form; payloads in it are resolved. */
  async batch(events: readonly UserEvent[], facts: EventFacts, signal: AbortSignal): Promise<void> {
    const {argv} = this.#options
    if (!argv) return
    const whole: UserEvent[] = []
    for (const event of events) whole.push({...event, payload: await this.#options.resolve(event.payload, signal)})
    await this.#run({argv, env: batchEnvironment(events, facts), input: batchInput(whole)}, signal)
  }

  /** A change of membership, for the scripts that select it. */
  async members(
    type: Parameters<typeof selects>[1]['type'],
    input: string,
    env: Record<string, string>,
    signal: AbortSignal,
  ): Promise<void> {
    for (const script of this.#options.scripts ?? []) {
      if (type === 'user' || !selects(script, {type})) continue
      const run = {argv: ['/bin/sh', '-c', script.script] as const, env: {...env, SERF_EVENT: type}}
      await this.#run({...run, input: Buffer.from(input)}, signal)
    }
  }

  async #run(run: Run, signal: AbortSignal): Promise<void> {
    const {env, clock, timeoutMs, graceMs} = this.#options
    const result = await runHandler({
      argv: run.argv,
      env: {...env, ...run.env},
      input: run.input,
      clock,
      signal,
      ...(timeoutMs !== undefined && {timeoutMs}),
      ...(graceMs !== undefined && {graceMs}),
    })
    if (result.stopped === 'timeout') {
      throw new HandlerFailedError(`handler ${run.argv[0]}: stopped at its time limit`, 124)
    }
    if (result.code !== 0) {
      const how = result.signal === undefined ? `exit code ${result.code}` : `killed by ${result.signal}`
      throw new HandlerFailedError(`handler ${run.argv[0]}: ${how}`, result.code)
    }
  }
}
