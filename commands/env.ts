import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {maxStaleRules} from '../src/cli/flag-rules.js'
import {durationFlag} from '../src/cli/flags.js'
import type {HiddenCheck} from '../src/cli/hidden-items.js'
import {toChild} from '../src/cli/template/child.js'
import {toFolder} from '../src/cli/template/env-folder.js'
import {EnvSession} from '../src/cli/template/env-session.js'
import {superviseFlags} from '../src/cli/template/flags.js'
import {toQuiet} from '../src/cli/template/specs.js'
import {UsageError} from '../src/core/errors.js'
import {NodeTransport} from '../src/core/http/node-transport.js'
import {templateConnections} from '../src/template/store.js'

const names = 'VARIABLES'

export default class EnvCommand extends ConsulCommand<typeof EnvCommand> {
  static override summary = 'run a program with keys as its environment'
  static override description =
    `Keys below each PREFIX become variables of the program: db/host of the prefix app is db_host. Later prefixes
override earlier ones, and all of them the variables that are there already. When a key changes, the program is stopped
and started again, or gets --exec-reload-signal. An outage of Consul changes nothing.`
  static override usage = ['env PREFIX... [FLAGS] -- PROGRAM ARG...']
  static override examples = [
    '<%= config.bin %> env config/web -- ./server',
    '<%= config.bin %> env config/all config/web --upcase --wait 2s -- ./server',
    '<%= config.bin %> env config/web@dc2 --once --pristine -- printenv',
  ]
  static override exitMeanings = {
    0: 'the program succeeded, or was stopped by a signal to baton',
    126: 'the program cannot be run',
    127: 'the program does not exist',
    '128+n': 'signal n ended the program, or baton before it was started',
    other: "the program's own exit code",
  }
  static override strict = false
  static override childForm = {ownArgs: 1, needsSeparator: true}
  static override flagRules = [
    ...maxStaleRules,
    ...['wait', 'exec-reload-signal', 'exec-splay'].map(flag => ({
      flag,
      besides: ['once'],
      warning: 'it is for runs without --once',
    })),
  ]
  static override flags = {
    prefix: Flags.string({
      helpGroup: names,
      description: 'the same as an argument PREFIX, before those (repeatable)',
      helpValue: 'PREFIX',
      multiple: true,
      multipleNonGreedy: true,
    }),
    sanitize: Flags.boolean({
      helpGroup: names,
      description: 'replace what is not a letter, a digit or _ by _ in names (default)',
      allowNo: true,
      default: true,
    }),
    upcase: Flags.boolean({helpGroup: names, description: 'make names upper case'}),
    pristine: Flags.boolean({
      helpGroup: names,
      description: 'give the program no variable of the environment but PATH and those of keys',
    }),
    once: Flags.boolean({description: 'read the keys once, and do not follow changes'}),
    wait: Flags.string({
      description: 'act when nothing changed for MIN, at the latest after MAX (4 times MIN)',
      helpValue: 'MIN[:MAX]',
    }),
    'max-stale': durationFlag({
      description: 'let a server answer that is at most this far behind (default: the leader)',
    }),
    ...superviseFlags,
  }

  #session: EnvSession | undefined

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    const {flags} = this
    const folders = [...(flags.prefix ?? []), ...this.words].map(toFolder)
    if (folders.length === 0) throw new UsageError('env: no prefix is given', {hint: 'baton env PREFIX -- PROGRAM'})
    const words = this.child?.words ?? []
    const env = flags.pristine ? onlyPath(this.childEnvironment()) : this.childEnvironment()
    const isGiven = (flag: string): boolean => this.sources.has(flag)
    const child = toChild({flags, isGiven, words, block: {}, env})
    if (child === undefined) throw new UsageError('env: no program to run', {hint: 'baton env PREFIX -- PROGRAM'})
    const quiet = toQuiet(flags.wait)
    await using session = (this.#session = new EnvSession({
      client: this.openClient({transport: options => new NodeTransport({...options, ...templateConnections})}),
      folders,
      child,
      rules: {sanitize: flags.sanitize, upcase: flags.upcase},
      once: flags.once,
      maxStaleMs: flags['max-stale'],
      quiet,
      stops: this.stopSignals,
      signals: this.host.signals,
      stdin: this.host.isStdinTerminal ? 'ignore' : 'inherit',
      out: this.out,
    }))
    const exit = await session.run()
    if (exit !== undefined) return exit.code
    if (!session.isStarted) this.stopSignal.throwIfAborted()
    return 0
  }

  protected override get ifHopeless(): 'end' | 'report' {
    return this.#session?.isStarted === true ? 'report' : 'end'
  }

  protected override sayWaiting(text: string): void {
    this.out.warn(text)
  }
}

const onlyPath = (env: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  env['PATH'] === undefined ? {} : {PATH: env['PATH']}
