import {checkAppendable} from '../../src/cli/check-appendable.js'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {readStdin} from '../../src/cli/data-argument.js'
import {EventService} from '../../src/cli/event/event-service.js'
import {parseEventList} from '../../src/cli/event/parse-list.js'
import {watchFlags, watchRules} from '../../src/cli/event/watch-flags.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {brief} from '../../src/core/brief.js'
import {UsageError} from '../../src/core/errors.js'
import type {SelfFacts} from '../../src/event/handler/handler-io.js'
import {EventState} from '../../src/event/intake/event-state.js'
import {parseHandler, type SelectedScript} from '../../src/event/selector.js'
import {shellWords} from '../../src/process/handler.js'

export default class EventWatch extends ConsulCommand<typeof EventWatch> {
  static override summary = 'run a command for every event, once'
  static override exitMeanings = {
    0: 'stopped by a signal, or the list from stdin is handled',
    1: 'the last handler failed (--on-error=exit)',
    2: 'events were missed (--on-overflow=exit)',
    other: "the handler's own exit code (--on-error=exit)",
  }
  static override description =
    'Each event runs the command with the payload on stdin and BATON_EVENT_*, SERF_* in its environment. With --state ' +
    'what was handled is remembered across restarts and crashes; without a command events are printed as JSON lines.'
  static override usage = ['event watch [FLAGS] [-- PROGRAM ARG...]', 'event watch [FLAGS] [COMMAND...]']
  static override examples = [
    '<%= config.bin %> event watch --name deploy --state /var/lib/deploy.events -- ./deploy.sh',
    "<%= config.bin %> event watch --handler user:deploy=./deploy.sh --handler 'member-failed=./page.sh'",
    '<%= config.bin %> event watch --durable --name deploy --state deploy.log -- ./deploy.sh',
    'consul watch -type=event -name=deploy <%= config.bin %> event watch --from-stdin --state deploy.events -- ./deploy.sh',
  ]
  static override childForm = {ownArgs: 0}
  static override flags = watchFlags
  static override flagRules = watchRules

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  protected override get aclNeeds(): ConsulCommand['aclNeeds'] {
    return [['event watch', this.flags.durable ? (this.flags.name?.[0] ?? '') : '']]
  }

  async run(): Promise<number> {
    const client = this.openClient()
    const scripts = (this.flags.handler ?? []).map(parseHandler)
    const argv = this.#childArgv()
    this.#check(argv, scripts)
    const self = await client.agent.self({signal: this.stopSignal})
    const state = this.releases.use(await this.#openState(self))
    const list = this.flags['from-stdin'] ? parseEventList((await readStdin(this.host.stdin)).toString()) : undefined
    const {flags, out} = this
    const env = this.childEnvironment()
    return new EventService({client, flags, out, self, state, argv, scripts, env, signal: this.stopSignal, list}).run()
  }

  protected override sayWaiting(text: string): void {
    this.out.warn(text)
  }

  #check(argv: readonly string[] | undefined, scripts: readonly SelectedScript[]): void {
    const {batch, durable, from, name, state} = this.flags
    if (from !== 'now' && from !== 'earliest' && !/^[\dA-Za-z-]{26,36}$/.test(from))
      throw new UsageError(`--from: '${brief(from)}' is not now, earliest or the ID of an event`)
    const fromStdin = this.flags['from-stdin']
    if (argv && scripts.length > 0) throw new UsageError('event watch: give a command or --handler, not both')
    if (batch && !argv) throw new UsageError('event watch: --batch needs a command')
    if (durable && fromStdin) throw new UsageError('event watch: give --durable or --from-stdin, not both')
    if (durable && name?.length !== 1) throw new UsageError('event watch: --durable needs --name, once')
    if (fromStdin && state === undefined && from === 'now') {
      throw new UsageError('event watch: --from-stdin without --state treats every event as already seen', {
        hint: 'give --state FILE, or --from earliest to handle each list whole',
      })
    }
    const file = this.flags['dead-letter']
    if (file !== undefined) checkAppendable(file, 'dead-letter')
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
}
