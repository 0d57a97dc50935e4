import {appendFile} from 'node:fs/promises'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/command/consul-command.js'
import {readAll} from '../../src/command/data-argument.js'
import {durationFlag} from '../../src/command/flags.js'
import type {ConsulClient} from '../../src/core/client.js'
import {messageOf, UsageError} from '../../src/core/errors.js'
import {formatDuration} from '../../src/core/time/duration.js'
import type {UserEvent} from '../../src/core/types.js'
import {deadLetter} from '../../src/event/dispatcher.js'
import {EventState} from '../../src/event/event-state.js'
import type {SelfFacts} from '../../src/event/handler-io.js'
import {EventHandling, HandlerFailedError} from '../../src/event/handling.js'
import {EventIntake, type StartPoint} from '../../src/event/intake.js'
import {runMemberScripts} from '../../src/event/member-scripts.js'
import {outliveOutages} from '../../src/event/outage.js'
import {parseEventList} from '../../src/event/parse-list.js'
import {RingAlarm} from '../../src/event/ring-alarm.js'
import {parseHandler, type SelectedScript, selects, wantsMembers} from '../../src/event/selector.js'
import {resolvePayload} from '../../src/event/spill.js'
import {eventLine} from '../../src/event/text.js'
import {type EventWatchOptions, watchEvents} from '../../src/event/watcher.js'
import {shellWords} from '../../src/process/handler.js'

export default class EventWatch extends ConsulCommand<typeof EventWatch> {
  static override summary = 'run a command for every event, once'
  static override description =
    'Each event runs the command with the payload on stdin and BATON_EVENT_*, SERF_* in its environment. With --state ' +
    'what was handled is remembered across restarts and crashes; without a command events are printed as JSON lines.'
  static override examples = [
    '<%= config.bin %> event watch --name deploy --state /var/lib/deploy.events -- ./deploy.sh',
    "<%= config.bin %> event watch --handler user:deploy=./deploy.sh --handler 'member-failed=./page.sh'",
    'consul watch -type=event -name=deploy <%= config.bin %> event watch --from-stdin --state deploy.events -- ./deploy.sh',
  ]
  static override childForm = {ownArgs: 0}
  static override flags = {
    name: Flags.string({description: 'only events of this name (repeatable)', multiple: true}),
    state: Flags.string({description: 'file that remembers what was handled', helpValue: 'FILE'}),
    from: Flags.string({description: 'where a first watch begins: now, earliest or an event ID', default: 'now'}),
    'on-crash': Flags.option({
      options: ['rerun', 'skip'] as const,
      default: 'rerun' as const,
      description: 'events that were being handled at a crash: handle again, or not',
    })(),
    handler: Flags.string({description: "Serf's form: [user:NAME|member-...=]SCRIPT (repeatable)", multiple: true}),
    concurrency: Flags.integer({description: 'handlers that may run at the same time', default: 1, min: 1}),
    batch: Flags.boolean({description: 'one run for all waiting events, as a JSON list on stdin'}),
    'order-window': durationFlag({description: 'wait this long for earlier events', default: '0'}),
    coalesce: durationFlag({description: 'of each name handle only the newest within this time', default: '0'}),
    retries: Flags.integer({description: 'further attempts when the handler fails (default: 0)', default: 0, min: 0}),
    'retry-delay': durationFlag({description: 'shortest wait before another attempt', default: '1s'}),
    'dead-letter': Flags.string({description: 'file to append given-up events to', helpValue: 'FILE'}),
    'on-error': Flags.option({
      options: ['continue', 'exit'] as const,
      default: 'continue' as const,
      description: 'what to do when the last attempt failed',
    })(),
    'on-overflow': Flags.option({
      options: ['warn', 'exit'] as const,
      default: 'warn' as const,
      description: 'what to do when events passed unseen',
    })(),
    timeout: durationFlag({description: 'longest run of a handler (0: no limit)', default: '0'}),
    grace: durationFlag({description: 'time between TERM and KILL for a handler', default: '5s'}),
    shell: Flags.boolean({description: 'without --: run the words by a shell (default)', default: true, allowNo: true}),
    'from-stdin': Flags.boolean({description: 'take the list that consul watch writes to its handler'}),
  }

  async run(): Promise<number> {
    const client = this.openClient()
    const scripts = (this.flags.handler ?? []).map(parseHandler)
    const argv = this.#childArgv()
    if (argv && scripts.length > 0) throw new UsageError('event watch: give a command or --handler, not both')
    if (this.flags.batch && !argv) throw new UsageError('event watch: --batch needs a command')
    if (this.flags['from-stdin'] && this.flags.state === undefined && this.flags.from === 'now') {
      throw new UsageError('event watch: --from-stdin without --state takes every event for an old one', {
        hint: 'give --state FILE, or --from earliest to handle each list whole',
      })
    }
    const self = await client.agent.self({signal: this.stopSignal})
    const state = this.releases.use(await this.#openState(self))
    const signal = this.stopSignal
    const handling = this.#handling(client, scripts, argv)
    let verdict = 0
    const stop = new AbortController()
    signal.addEventListener('abort', () => stop.abort(signal.reason), {once: true})
    const giveUp = (code: number): void => {
      verdict = code
      stop.abort(new UsageError('given up'))
    }
    const names = new Set(this.flags.name ?? [])
    const wanted = (name: string): boolean =>
      (names.size === 0 || names.has(name)) &&
      (scripts.length === 0 || scripts.some(script => selects(script, {type: 'user', name})))
    const {coalesce = 0} = this.flags
    const options: EventWatchOptions = {
      state,
      signal: stop.signal,
      accepts: event => wanted(event.name),
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
      onOverflow: ({listed}) => {
        this.out.warn(`events were missed: the agent keeps ${listed}, and none of them is known`)
        if (this.flags['on-overflow'] === 'exit') giveUp(2)
      },
      onStatus: status => {
        if (status.type !== 'retrying') return
        this.out.warn(`agent ${client.address}: ${messageOf(status.error)}; again in ${formatDuration(status.delayMs)}`)
      },
      onReady: listed => this.out.say(`watching; the agent lists ${listed} events`),
    }
    const members = wantsMembers(scripts) ? this.#members(client, handling, self, stop.signal) : Promise.resolve()
    if (this.flags['from-stdin']) await this.#fromStdin(client, options)
    else await Promise.all([watchEvents(client, options), members])
    return verdict
  }

  async #fromStdin(client: ConsulClient, options: EventWatchOptions): Promise<void> {
    const list = parseEventList((await readAll(this.host.stdin)).toString())
    const intake = await EventIntake.create(client, options)
    try {
      await intake.resume()
      await new RingAlarm(options).guard(list, all => intake.receive(all))
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
    const {state} = this.flags
    return state === undefined ? EventState.inMemory(identityOf(self)) : EventState.open(state, identityOf(self))
  }

  #handling(
    client: ConsulClient,
    scripts: readonly SelectedScript[],
    argv: [string, ...string[]] | undefined,
  ): EventHandling {
    const {timeout = 0} = this.flags
    const env = Object.fromEntries(
      Object.entries(this.host.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
    )
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
  #resolve(client: ConsulClient, payload: Buffer | undefined, signal: AbortSignal): Promise<Buffer | undefined> {
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

const identityOf = (self: SelfFacts): {datacenter: string; node: string} => ({
  datacenter: self.datacenter,
  node: self.node,
})

const startPoint = (text: string): StartPoint => (text === 'now' || text === 'earliest' ? text : {afterId: text})
