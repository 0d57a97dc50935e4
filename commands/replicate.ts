import type {InferredFlags} from '@oclif/core/interfaces'
import {type BaseCommand, flagShapes} from '../src/cli/base-command.js'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {typedNames} from '../src/cli/flag-words.js'
import {Progress} from '../src/cli/progress.js'
import {checkApprovals, refuseLastingApprovals} from '../src/cli/replicate/approvals.js'
import {
  checkConfiguredPrefixes,
  doubtfulOptions,
  logLevelFromEnv,
  toReplicatorOptions,
  toUndo,
} from '../src/cli/replicate/compile.js'
import {sourceConnection, usesOwnToken, withConsulReplicate} from '../src/cli/replicate/connection.js'
import {type Mode, refuseContradictions, settingsWithoutEffect} from '../src/cli/replicate/effects.js'
import {eventFields} from '../src/cli/replicate/event-lines.js'
import {deprecatedFlags, type LogLevel, replicateFlags} from '../src/cli/replicate/flags.js'
import {followUntilStopped, type Opened} from '../src/cli/replicate/follow.js'
import {listen, parseSignal, writePidFile} from '../src/cli/replicate/process.js'
import {changeLine, differs, heldLine, previewLine} from '../src/cli/replicate/report.js'
import {Reporter} from '../src/cli/replicate/reporter.js'
import {openReplicatorService} from '../src/cli/replicate/service.js'
import {flagOnly} from '../src/cli/settings.js'
import {toClientOptions} from '../src/config/connection.js'
import type {Settings} from '../src/config/files.js'
import {readReplicateConfig} from '../src/config/replicate-file.js'
import {withoutSecrets} from '../src/config/secrets.js'
import {linkSignal} from '../src/core/cancel/link-signal.js'
import {createClient} from '../src/core/client.js'
import {isBatonError, UsageError} from '../src/core/errors.js'
import {systemClock} from '../src/core/time/clock.js'
import {Wake} from '../src/core/time/wake.js'
import type {TransportOptions} from '../src/core/types.js'
import {openServiceNotifier} from '../src/process/service-notifier.js'
import {createReplicator} from '../src/replicate/replicator.js'
import type {ReplicatorEvent} from '../src/replicate/types.js'
import {parseListen} from '../src/serve/listen.js'

const [stopped, badFlags, fatal, badConfig, heldCode] = [12, 13, 14, 15, 16]

export default class Replicate extends ConsulCommand<typeof Replicate> {
  static override summary = 'keep a prefix of keys equal to one in another datacenter'
  static override exitMeanings = {
    0: 'done with --once, or equal',
    1: 'there are differences (--dry-run, verify)',
    12: 'stopped by a signal',
    13: 'wrong flags, or nothing to replicate',
    14: 'the destination refused some keys; all others were copied',
    15: 'a configuration file or a log level is wrong',
    16: 'deletes are held (--once)',
    64: undefined,
  }
  static override description =
    `Compares contents and sends what differs, in transactions. A prefix is a prefix of bytes: app takes in
application, app/ does not. Keys that the source does not have are deleted only when its leader says of each
that it does not exist, and held when they are more than --max-delete or the source is empty.
'verify' as the first word compares and writes nothing.`
  static override usage = [
    'replicate SOURCE@DC[:DESTINATION]... [FLAGS]',
    'replicate verify SOURCE@DC[:DESTINATION]... [FLAGS]',
  ]
  static override examples = [
    '<%= config.bin %> replicate app/@dc1',
    '<%= config.bin %> replicate app/@dc1:backup/app/ --once',
    '<%= config.bin %> replicate verify app/@dc1:backup/app/',
    '<%= config.bin %> replicate app/ --source-http-addr consul.other.example:8500 --dry-run',
  ]
  static override strict = false
  static override enableJsonFlag = true
  /** The flags are checked by this command itself. */
  static override emptyFlags = 'all' as const
  static override flags: typeof replicateFlags = replicateFlags
  static override addedFromFiles = ['prefix', 'exclude', 'exclude-match']

  static override exitCodeFor(error: unknown): number | undefined {
    if (isBatonError(error, 'BATON_CANCELLED')) return stopped
    if (isBatonError(error, 'BATON_USAGE')) return badFlags
    return isBatonError(error, 'BATON_CONFIG') ? badConfig : undefined
  }

  declare protected flags: InferredFlags<
    Omit<typeof ConsulCommand.baseFlags, keyof typeof replicateFlags> & typeof replicateFlags
  >

  protected override async readSettings(path: string): Promise<Settings> {
    const {settings, warnings} = await readReplicateConfig(
      path,
      Object.keys({...Replicate.baseFlags, ...replicateFlags}).filter(name => !flagOnly.has(name)),
    )
    this.#warnings.push(...warnings)
    checkConfiguredPrefixes(path, settings, this.host.env, this.typed)
    return settings
  }

  readonly #warnings: string[] = []
  #reporter: Reporter | undefined

  async run(): Promise<number> {
    const fromEnv = this.sources.has('log-level') ? undefined : logLevelFromEnv(this.host.env)
    if (fromEnv) this.logger = this.createLogger(fromEnv.level)
    if (this.flags.version) {
      this.out.line(this.config.version)
      return 0
    }
    const [verb, ...rest] = this.words
    const isVerify = verb === 'verify'
    if (isVerify) this.words = rest
    const isService = !isVerify && !this.flags['dry-run'] && !this.flags.once
    this.#reporter = this.#createReporter(fromEnv?.level ?? this.flags['log-level'], isService)
    refuseContradictions(
      {...this.flags, json: this.jsonEnabled()},
      (this.flags.approve?.length ?? 0) > 0 || this.flags['approve-deletes'],
      isVerify,
    )
    this.#signals()
    this.#warn(isVerify || this.flags['dry-run'] ? 'preview' : this.flags.once ? 'once' : 'follow')
    if (isVerify || this.flags['dry-run']) return this.#preview(isVerify)
    const pidFile = this.flags['pid-file']
    using _pid = pidFile === undefined || pidFile === '' ? undefined : writePidFile(pidFile, process.pid)
    return this.flags.once ? await this.#once() : await this.#follow()
  }

  async #preview(isVerify: boolean): Promise<number> {
    await using opened = this.#open()
    const previews = await createReplicator(opened.destination, opened.options).preview({signal: this.stopSignal})
    const differ = previews.some(differs)
    if (this.jsonEnabled()) this.out.json({equal: !differ, mappings: previews})
    else {
      for (const preview of previews) {
        if (!isVerify) for (const change of preview.changes) this.out.line(changeLine(change))
        this.out.line(previewLine(preview))
      }
    }
    for (const preview of previews) for (const held of preview.held) this.out.error(`baton: ${heldLine(held)}`)
    return differ ? 1 : 0
  }

  async #once(): Promise<number> {
    await using opened = this.#open()
    const passes = await createReplicator(opened.destination, opened.options).runOnce({signal: this.stopSignal})
    if (this.jsonEnabled()) this.out.json({mappings: passes})
    if (passes.some(pass => pass.refused.length > 0)) return fatal
    return passes.some(pass => pass.held.length > 0) ? heldCode : 0
  }

  async #follow(): Promise<number> {
    if (this.jsonEnabled()) {
      throw new UsageError('--json: only with --once, --dry-run or verify', {hint: 'use --ndjson'})
    }
    const address = this.flags.listen === undefined ? undefined : parseListen(this.flags.listen)
    checkApprovals(this.flags, this.sources)
    refuseLastingApprovals(this.flags)
    const {reload, kill} = this.#signals()
    using stop = linkSignal(this.stopSignal)
    using _kill = listen(this.host.signals, kill, () => stop.abort(undefined))
    const wishes = new Wake()
    if (reload === 'SIGHUP' || reload === 'SIGINT' || reload === 'SIGTERM') this.stopSignals.release(reload)
    using _reload = listen(this.host.signals, reload, () => wishes.wake())
    const opened = this.#open()
    const shown = {
      listen: address,
      notifier: openServiceNotifier(this.host.env),
      clock: systemClock,
      logger: this.logger,
    }
    await using service = await openReplicatorService(shown)
    await followUntilStopped(opened, {
      stop: stop.signal,
      reloads: wishes,
      reopen: () => {
        service.reloading()
        return this.#reopen()
      },
      tell: text => this.logger.warn({}, text),
      onReplicator: replicator => service.show(replicator),
    })
    return stopped
  }

  #signals(): Readonly<Record<'reload' | 'kill', NodeJS.Signals | undefined>> {
    return {
      reload: parseSignal(this.flags['reload-signal'], '--reload-signal'),
      kill: parseSignal(this.flags['kill-signal'] ?? '', '--kill-signal'),
    }
  }

  async #reopen(): Promise<Opened> {
    const before = {flags: this.flags, words: this.words, sources: this.sources}
    try {
      await this.readFlags()
      return this.#open()
    } catch (error) {
      Object.assign(this, before)
      throw error
    }
  }

  /** Opens clients for these settings, so that a reload can change addresses and tokens. */
  #open(): Opened {
    checkApprovals(this.flags, this.sources)
    const options = toReplicatorOptions(this.flags, this.words)
    for (const warning of doubtfulOptions(options)) this.out.warn(warning)
    const from = sourceConnection(this.flags)
    const to = withConsulReplicate(this.connectionSettings(), this.flags, {env: this.host.env, sources: this.sources})
    for (const {warning} of from ? [to, from] : [to]) if (warning !== undefined) this.out.warn(warning)
    const shared = {logger: this.logger, transport: (one: TransportOptions) => this.openTransport(one)}
    const destination = createClient({...shared, ...toClientOptions(to.settings)})
    const source = from && createClient({...shared, ...toClientOptions(from.settings)})
    const undo = toUndo(this.flags, this.host.env)
    return {
      destination,
      options: {
        ...options,
        ...(undo && {undo}),
        ...(source && {source}),
        logger: this.logger,
        observer: event => this.#observe(event),
      },
      async [Symbol.asyncDispose]() {
        await destination[Symbol.asyncDispose]()
        await source?.[Symbol.asyncDispose]()
      },
    }
  }

  #observe(event: ReplicatorEvent): void {
    this.#reporter?.observe(event)
    const fields = this.flags.ndjson ? eventFields(event, systemClock.wallMs()) : undefined
    if (fields) this.out.json(fields, {compact: true})
  }

  protected override settingsShown(): ReturnType<ConsulCommand['settingsShown']> {
    const shown = super.settingsShown()
    const {env} = this.host
    const fromEnv = this.sources.has('log-level') ? undefined : logLevelFromEnv(env)
    if (fromEnv) shown['log-level'] = {value: fromEnv.level, source: fromEnv.source}
    if (!usesOwnToken(env, this.sources)) return shown
    shown['token-file'] = {value: null, source: 'default'}
    return {...shown, token: {value: withoutSecrets('token', env['CONSUL_TOKEN']), source: 'CONSUL_TOKEN'}}
  }

  /** As in consul-replicate, level `info` reports each pass, and `debug` names each key. A service writes log lines. */
  #createReporter(level: LogLevel, isService: boolean): Reporter {
    const isInfo = ['trace', 'debug', 'info'].includes(level)
    const {out, logger} = this
    const lines = {
      say: (text: string) => (isInfo ? out.warn(text) : out.say(text)),
      warn: (text: string) => out.warn(text),
      error: (text: string) => out.error(`baton: ${text}`),
    }
    const isTold = isInfo || (!this.flags.quiet && (this.flags.verbose || this.host.stderr.isTTY))
    const progress = isInfo ? logger : this.createLogger('info')
    const log = {
      say: (text: string) => isTold && progress.info({}, text),
      warn: (text: string) => !this.flags.quiet && logger.warn({}, text),
      error: (text: string) => logger.error({}, text),
    }
    return new Reporter({
      out: isService ? log : lines,
      progress: new Progress({stderr: this.host.stderr, isQuiet: this.flags.quiet, line: this.statusLine}),
      namesKeys: isInfo && level !== 'info',
    })
  }

  #warn(mode: Mode): void {
    for (const name of typedNames(this.typed, flagShapes(this.ctor as typeof BaseCommand))) {
      const better = Object.hasOwn(deprecatedFlags, name) ? deprecatedFlags[name] : undefined
      if (better !== undefined) this.out.warn(`-${name} is deprecated, use -${better}`)
    }
    const withoutEffect = settingsWithoutEffect(this.flags, mode, this.sources)
    for (const warning of [...this.#warnings, ...withoutEffect]) this.out.warn(warning)
    if (this.flags.syslog) this.out.warn('syslog: no effect: the log goes to stderr')
  }
}
