import {appendFile} from 'node:fs/promises'
import type {InferredFlags} from '@oclif/core/interfaces'
import {type LinkedSignal, linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {defaultGraceMs} from '../../core/consul-constants.js'
import {CancelledError, isTransient, messageOf} from '../../core/errors.js'
import {retry} from '../../core/retry.js'
import {Backoff} from '../../core/time/backoff.js'
import type {UserEvent} from '../../core/types.js'
import {watchDurable} from '../../event/durable/durable-watch.js'
import type {SelfFacts} from '../../event/handler/handler-io.js'
import {EventHandling} from '../../event/handler/handling.js'
import {deadLetter} from '../../event/intake/dispatcher.js'
import type {EventState} from '../../event/intake/event-state.js'
import type {EventIntakeOptions, StartPoint} from '../../event/intake/intake.js'
import {runMemberScripts} from '../../event/members/member-scripts.js'
import type {EventNotice} from '../../event/notices.js'
import {handleList} from '../../event/ring/list.js'
import {resolvePayload} from '../../event/ring/spill.js'
import {watchEvents} from '../../event/ring/watcher.js'
import {type SelectedScript, selects, wantsMembers} from '../../event/selector.js'
import {HandlerError} from '../../process/handler.js'
import type {Output} from '../output.js'
import {noticeLines} from './notice-text.js'
import {eventLine} from './text.js'
import type {watchFlags} from './watch-flags.js'

export interface EventServiceOptions {
  readonly client: ConsulClient
  readonly flags: InferredFlags<typeof watchFlags>
  readonly out: Output
  readonly self: SelfFacts
  readonly state: EventState
  /** The command that follows the flags; undefined if there is none. */
  readonly argv: readonly [string, ...string[]] | undefined
  readonly scripts: readonly SelectedScript[]
  readonly env: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** The list that `--from-stdin` read; undefined without that flag. */
  readonly list: readonly UserEvent[] | undefined
}

/** Runs the watches of events and members for `event watch`, and prints their notices. */
export class EventService {
  readonly #options: EventServiceOptions
  readonly #handling: EventHandling
  readonly #stop: LinkedSignal
  #exitCode = 0
  #isRefused = false

  constructor(options: EventServiceOptions) {
    const {argv, client, env, flags, scripts} = options
    const {timeout = 0} = flags
    this.#options = options
    this.#stop = linkSignal(options.signal)
    this.#handling = new EventHandling({
      ...(argv && {argv}),
      scripts,
      env,
      clock: client.clock,
      graceMs: flags.grace ?? defaultGraceMs,
      ...(timeout > 0 && {timeoutMs: timeout}),
      resolve: (payload, signal) => this.#resolve(payload, signal),
      isConcurrent: flags.concurrency > 1,
    })
  }

  /** Resolves with the exit code when the signal has aborted or an option has ended the watch. */
  async run(): Promise<number> {
    const {argv, list, out, scripts} = this.#options
    using _stop = this.#stop
    // If there are commands to run, the watch continues even if stdout is closed.
    if (!argv && scripts.length === 0) out.onClosed(() => this.#end(0))
    if (list) await handleList(this.#options.client, list, this.#intakeOptions())
    else await this.#together([() => this.#watch(), () => this.#members()])
    return this.#exitCode
  }

  #end(exitCode: number): void {
    this.#exitCode = exitCode
    this.#stop.abort(new CancelledError())
  }

  #watch(): Promise<void> {
    const {client, flags} = this.#options
    const options = this.#intakeOptions()
    return flags.durable ? watchDurable(client, flags.name?.[0] ?? '', options) : watchEvents(client, options)
  }

  async #members(): Promise<void> {
    const {client, out, scripts, self} = this.#options
    if (!wantsMembers(scripts)) return
    await runMemberScripts(client, {
      handling: this.#handling,
      self,
      signal: this.#stop.signal,
      observer: notice => {
        if (notice.type === 'watch.started') out.say(`watching members; there are ${notice.memberCount}`)
        else out.warn(`${notice.change.type} of ${notice.change.member.name}: ${messageOf(notice.error)}`)
      },
    })
  }

  /** Runs all functions at the same time. If one fails, stops the others. */
  async #together(all: readonly (() => Promise<void>)[]): Promise<void> {
    const running = all.map(start => start())
    try {
      await Promise.all(running)
    } catch (error) {
      this.#stop.abort(error)
      await Promise.allSettled(running)
      throw error
    }
  }

  #intakeOptions(): EventIntakeOptions {
    const {flags, state} = this.#options
    const {coalesce = 0} = flags
    return {
      state,
      signal: this.#stop.signal,
      accepts: event => this.#isWanted(event),
      from: startPoint(flags.from),
      afterCrash: flags['on-crash'],
      orderWindowMs: flags['order-window'] ?? 0,
      ...(coalesce > 0 && {coalesce: {periodMs: coalesce, quietMs: coalesce / 3}}),
      concurrency: flags.concurrency,
      isBatched: flags.batch,
      retryCount: flags.retries,
      retryDelayMs: flags['retry-delay'] ?? 1000,
      handle: (events, attempt, signal) => this.#handle(events, attempt, signal),
      handleDead: (events, error) => this.#handleDead(events, error),
      observer: notice => this.#report(notice),
    }
  }

  #isWanted({name}: UserEvent): boolean {
    const {flags, scripts} = this.#options
    const {name: names = []} = flags
    return (
      (names.length === 0 || names.includes(name)) &&
      (scripts.length === 0 || scripts.some(script => selects(script, {type: 'user', name})))
    )
  }

  #report(notice: EventNotice): void {
    const {client, flags, out} = this.#options
    // A transient error prints no line, because the client itself reports that Consul does not answer.
    if (notice.type === 'outage.began') {
      if (isTransient(notice.error)) return
      this.#isRefused = true
    } else if (notice.type === 'outage.ended') {
      if (!this.#isRefused) return
      this.#isRefused = false
    }
    for (const {level, text} of noticeLines(notice, client.address, flags.durable ? 'log' : 'agent')) out[level](text)
    if (notice.type === 'events.missed' && flags['on-overflow'] === 'exit') this.#end(2)
  }

  async #handle(events: readonly UserEvent[], attempt: number, signal: AbortSignal): Promise<void> {
    const {argv, flags, out, scripts, self} = this.#options
    const facts = {self, attempt}
    if (flags.batch) return this.#handling.batch(events, facts, signal)
    for (const event of events) {
      if (argv || scripts.length > 0) await this.#handling.one(event, facts, signal)
      else out.line(eventLine(event, await this.#resolve(event.payload, signal)))
    }
  }

  async #handleDead(events: readonly UserEvent[], error: unknown): Promise<void> {
    const {client, flags, out} = this.#options
    const file = flags['dead-letter']
    for (const event of events) {
      out.warn(`event ${event.id} (${event.name}): abandoned: ${messageOf(error)}`)
      if (file !== undefined) await appendFile(file, `${deadLetter(event, error, client.clock.wallMs())}\n`)
    }
    if (flags['on-error'] === 'exit') this.#end(error instanceof HandlerError ? error.exitCode : 1)
  }

  /**
   * Returns the payload that the sender passed to `fire`. An outage of Consul delays the result, but does not make the
   * handler fail.
   */
  async #resolve(payload: Buffer | undefined, signal: AbortSignal): Promise<Buffer | undefined> {
    const {client, flags} = this.#options
    // The log of durable events contains the payloads themselves, so there is no pointer to follow.
    if (flags.durable) return payload
    const {clock, random} = client
    const backoff = new Backoff({random})
    return retry(() => resolvePayload(client, payload, {signal}), {clock, signal, backoff})
  }
}

const startPoint = (text: string): StartPoint => (text === 'now' || text === 'earliest' ? text : {afterId: text})
