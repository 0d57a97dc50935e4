import {appendFile} from 'node:fs/promises'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {readAll} from '../../src/cli/data-argument.js'
import {parseEventList} from '../../src/cli/event/parse-list.js'
import {eventLine} from '../../src/cli/event/text.js'
import {watchFlags} from '../../src/cli/event/watch-flags.js'
import {waitAloud} from '../../src/cli/wait-aloud.js'
import {type LinkedSignal, linkSignal} from '../../src/core/cancel/link-signal.js'
import type {ConsulClient} from '../../src/core/client.js'
import {CancelledError, messageOf, UsageError} from '../../src/core/errors.js'
import {formatDuration} from '../../src/core/time/duration.js'
import type {UserEvent} from '../../src/core/types.js'
import {watchDurable} from '../../src/event/durable/durable-watch.js'
import type {SelfFacts} from '../../src/event/handler/handler-io.js'
import {EventHandling, HandlerFailedError} from '../../src/event/handler/handling.js'
import {deadLetter} from '../../src/event/intake/dispatcher.js'
import {EventState} from '../../src/event/intake/event-state.js'
import {EventIntake, type IntakeOptions, type StartPoint} from '../../src/event/intake/intake.js'
import {runMemberScripts} from '../../src/event/members/member-scripts.js'
import {outliveOutages} from '../../src/event/outage.js'
import {type MissedEvents, RingAlarm} from '../../src/event/ring/ring-alarm.js'
import {resolvePayload} from '../../src/event/ring/spill.js'
import {watchEvents} from '../../src/event/ring/watcher.js'
import {parseHandler, type SelectedScript, selects, wantsMembers} from '../../src/event/selector.js'
import {shellWords} from '../../src/process/handler.js'

export default class EventWatch extends ConsulCommand<typeof EventWatch> {
  static override summary = 'run a command for every event, once'
  static override description =
    'Each event runs the command with the payload on stdin and BATON_EVENT_*, SERF_* in its environment. With --state ' +
    'what was handled is remembered across restarts and crashes; without a command events are printed as JSON lines.'
  static override examples = [
    '<%= config.bin %> event watch --name deploy --state /var/lib/deploy.events -- ./deploy.sh',
    "<%= config.bin %> event watch --handler user:deploy=./deploy.sh --handler 'member-failed=./page.sh'",
    '<%= config.bin %> event watch --durable --name deploy --state deploy.log -- ./deploy.sh',
    'consul watch -type=event -name=deploy <%= config.bin %> event watch --from-stdin --state deploy.events -- ./deploy.sh',
  ]
  static override childForm = {ownArgs: 0}
  static override flags = watchFlags

  async run(): Promise<number> {
    const client = this.openClient()
    const scripts = (this.flags.handler ?? []).map(parseHandler)
    const argv = this.#childArgv()
    this.#check(argv, scripts)
    const self = await waitAloud(client.agent.self({signal: this.stopSignal}), {
      client,
      say: text => this.out.warn(text),
    })
    const state = this.releases.use(await this.#openState(self))
    const handling = this.#handling(client, scripts, argv)
    let verdict = 0
    using stop = linkSignal(this.stopSignal)
    const {signal} = stop
    const giveUp = (code: number): void => {
      verdict = code
      stop.abort(new CancelledError())
    }
    // Whoever runs commands goes on: what they do does not depend on a reader.
    if (!argv && scripts.length === 0) this.out.onClosed(() => giveUp(0))
    const missed = (what: string): void => {
      this.out.warn(`events were missed: ${what}`)
      if (this.flags['on-overflow'] === 'exit') giveUp(2)
    }
    const {coalesce = 0} = this.flags
    const options: IntakeOptions = {
      state,
      signal,
      accepts: ({name}) => this.#isWanted(name, scripts),
      from: startPoint(this.flags.from),
      onCrash: this.flags['on-crash'],
      orderWindowMs: this.flags['order-window'] ?? 0,
      ...(coalesce > 0 && {coalesce: {periodMs: coalesce, quietMs: coalesce / 3}}),
      concurrency: this.flags.concurrency,
      batch: this.flags.batch,
      retries: this.flags.retries,
      retryDelayMs: this.flags['retry-delay'] ?? 1000,
      handle: (events, attempt, until) => this.#handle({client, handling, self, argv, scripts}, events, attempt, until),
      onDead: async (events, error) => {
        await this.#bury(client, events, error)
        if (this.flags['on-error'] === 'exit') giveUp(error instanceof HandlerFailedError ? error.exitCode : 1)
      },
      onRetry: (events, attempt, error) =>
        this.out.warn(`event ${events[0]?.id ?? ''}: attempt ${attempt} failed: ${messageOf(error)}`),
    }
    if (this.flags['from-stdin']) await this.#fromStdin(client, options, missed)
    else {
      const events = () =>
        this.flags.durable ? this.#log(client, options, missed) : this.#ring(client, options, missed)
      const members = () => (wantsMembers(scripts) ? this.#members(client, handling, self, signal) : Promise.resolve())
      await together([events, members], stop)
    }
    return verdict
  }

  #check(argv: readonly string[] | undefined, scripts: readonly SelectedScript[]): void {
    const {batch, durable, from, name, state} = this.flags
    const fromStdin = this.flags['from-stdin']
    if (argv && scripts.length > 0) throw new UsageError('event watch: give a command or --handler, not both')
    if (batch && !argv) throw new UsageError('event watch: --batch needs a command')
    if (durable && fromStdin) throw new UsageError('event watch: give --durable or --from-stdin, not both')
    if (durable && name?.length !== 1) throw new UsageError('event watch: --durable needs --name, once')
    if (fromStdin && state === undefined && from === 'now') {
      throw new UsageError('event watch: --from-stdin without --state takes every event for an old one', {
        hint: 'give --state FILE, or --from earliest to handle each list whole',
      })
    }
  }

  #isWanted(name: string, scripts: readonly SelectedScript[]): boolean {
    const {name: names = []} = this.flags
    return (
      (names.length === 0 || names.includes(name)) &&
      (scripts.length === 0 || scripts.some(script => selects(script, {type: 'user', name})))
    )
  }

  #ring(client: ConsulClient, options: IntakeOptions, missed: (what: string) => void): Promise<void> {
    return watchEvents(client, {
      ...options,
      onMissed: facts => missed(whyMissed(facts)),
      onStatus: status => {
        if (status.type !== 'retrying') return
        this.out.warn(`agent ${client.address}: ${messageOf(status.error)}; again in ${formatDuration(status.delayMs)}`)
      },
      onReady: listed => this.out.say(`watching; the agent lists ${listed} events`),
    })
  }

  #log(client: ConsulClient, options: IntakeOptions, missed: (what: string) => void): Promise<void> {
    return watchDurable(client, {
      ...options,
      name: this.flags.name?.[0] ?? '',
      onGap: ({through}) => missed(`the log was pruned up to ${through}, which was never seen here`),
      onUnreadable: ({id, reason}) => this.out.warn(`event ${id}: left out: ${reason}`),
      onStatus: status => {
        if (status.state === 'stale' || status.state === 'connecting') {
          if (status.error !== undefined) this.out.warn(`agent ${client.address}: ${messageOf(status.error)}`)
        } else if (status.state === 'held') this.out.warn(`an empty log is not believed: ${status.reason}`)
      },
      onReady: (length, isFiltered) => {
        this.out.say(`watching; the log holds ${length} events`)
        if (isFiltered) this.out.warn('the token may not read all of the log')
      },
    })
  }

  async #fromStdin(client: ConsulClient, options: IntakeOptions, missed: (what: string) => void): Promise<void> {
    const list = parseEventList((await readAll(this.host.stdin)).toString())
    const intake = await EventIntake.create(client, options)
    try {
      await intake.resume()
      const alarm = new RingAlarm({
        state: options.state,
        // The list may be that of one name.
        isWhole: false,
        wallMs: () => client.clock.wallMs(),
        onMissed: facts => missed(whyMissed(facts)),
      })
      await alarm.guard(list, all => intake.receive(all))
      await Promise.race([intake.idle(), intake.failed])
    } finally {
      await intake.close()
    }
  }

  #childArgv(): [string, ...string[]] | undefined {
    const {child} = this
    const [first, ...rest] = child?.words ?? []
    if (!child || first === undefined) return undefined
    if (child.form === 'native' || !this.flags.shell) return [first, ...rest]
    return shellWords(child.words.join(' '), this.host.env['SHELL'])
  }

  async #openState(self: SelfFacts): Promise<EventState> {
    const {state, durable, name} = this.flags
    const {datacenter = self.datacenter} = this.flags
    const identity = durable
      ? {datacenter, node: '', log: name?.[0] ?? ''}
      : {datacenter: self.datacenter, node: self.node}
    return state === undefined ? EventState.inMemory(identity) : EventState.open(state, identity)
  }

  #handling(
    client: ConsulClient,
    scripts: readonly SelectedScript[],
    argv: [string, ...string[]] | undefined,
  ): EventHandling {
    const {timeout = 0} = this.flags
    const env = this.childEnvironment()
    return new EventHandling({
      ...(argv && {argv}),
      scripts,
      env,
      clock: client.clock,
      graceMs: this.flags.grace ?? 5000,
      ...(timeout > 0 && {timeoutMs: timeout}),
      resolve: (payload, signal) => this.#resolve(client, payload, signal),
      isConcurrent: this.flags.concurrency > 1,
    })
  }

  async #handle(
    context: {
      readonly client: ConsulClient
      readonly handling: EventHandling
      readonly self: SelfFacts
      readonly argv: readonly string[] | undefined
      readonly scripts: readonly SelectedScript[]
    },
    events: readonly UserEvent[],
    attempt: number,
    signal: AbortSignal,
  ): Promise<void> {
    const {client, handling, self} = context
    const facts = {self, attempt}
    if (this.flags.batch) return handling.batch(events, facts, signal)
    for (const event of events) {
      if (context.argv || context.scripts.length > 0) await handling.one(event, facts, signal)
      else this.out.line(eventLine(event, await this.#resolve(client, event.payload, signal)))
    }
  }

  #members(client: ConsulClient, handling: EventHandling, self: SelfFacts, signal: AbortSignal): Promise<void> {
    return runMemberScripts(client, {
      handling,
      self,
      signal,
      onReady: count => this.out.say(`watching members; there are ${count}`),
      onFailed: ({type, member}, error) => this.out.warn(`${type} of ${member.name}: ${messageOf(error)}`),
    })
  }

  /** The payload as it was given to `fire`. An outage of Consul delays it and is no failure of the handler. */
  async #resolve(client: ConsulClient, payload: Buffer | undefined, signal: AbortSignal): Promise<Buffer | undefined> {
    // A log holds payloads, never pointers to them.
    if (this.flags.durable) return payload
    const {clock, random} = client
    return outliveOutages(() => resolvePayload(client, payload, {signal}), {clock, random, signal})
  }

  async #bury(client: ConsulClient, events: readonly UserEvent[], error: unknown): Promise<void> {
    const file = this.flags['dead-letter']
    for (const event of events) {
      this.out.warn(`event ${event.id} (${event.name}): given up: ${messageOf(error)}`)
      if (file !== undefined) await appendFile(file, `${deadLetter(event, error, client.clock.wallMs())}\n`)
    }
  }
}

function whyMissed({reason, listed, sinceMs, untilMs}: MissedEvents): string {
  if (reason === 'overflow') return `the agent keeps ${listed}, and none of them is known`
  const since = sinceMs === undefined ? 'since the last watch' : `from ${new Date(sinceMs).toISOString()}`
  return `the agent was restarted: events fired ${since} until ${new Date(untilMs).toISOString()} are unknown`
}

/** Runs all until the signal aborts; the first failure stops the others. */
async function together(all: readonly (() => Promise<void>)[], stop: LinkedSignal): Promise<void> {
  const running = all.map(start => start())
  try {
    await Promise.all(running)
  } catch (error) {
    stop.abort(error)
    await Promise.allSettled(running)
    throw error
  }
}

const startPoint = (text: string): StartPoint => (text === 'now' || text === 'earliest' ? text : {afterId: text})
