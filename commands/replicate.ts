import type {InferredFlags} from '@oclif/core/interfaces'
import {type BaseCommand, flagShapes} from '../src/cli/base-command.js'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {maxStaleRules} from '../src/cli/flag-rules.js'
import {typedNames} from '../src/cli/flag-words.js'
import {Progress} from '../src/cli/progress.js'
import {checkApprovals, refuseLastingApprovals} from '../src/cli/replicate/approvals.js'
import {Clients} from '../src/cli/replicate/clients.js'
import {
  checkConfiguredPrefixes,
  doubtfulOptions,
  logLevelFromEnv,
  toReplicatorOptions,
  toUndo,
} from '../src/cli/replicate/compile.js'
import {sourceConnection, usesOwnToken, withConsulReplicate} from '../src/cli/replicate/connection.js'
import {changedInVain, type Mode, refuseContradictions, settingsWithoutEffect} from '../src/cli/replicate/effects.js'
import {eventFields} from '../src/cli/replicate/event-lines.js'
import {deprecatedFlags, type LogLevel, replicateFlags} from '../src/cli/replicate/flags.js'
import {followUntilStopped, type Opened} from '../src/cli/replicate/follow.js'
import {acquireLock, checkLock} from '../src/cli/replicate/lock.js'
import {patternFlags} from '../src/cli/replicate/patterns.js'
import {shownPrefixes, withPrefixSettings} from '../src/cli/replicate/prefix-settings.js'
import {checkSignals, listen, parseSignal, writePidFile} from '../src/cli/replicate/process.js'
import {changeLine, differs, heldLine, previewLine} from '../src/cli/replicate/report.js'
import {Reporter} from '../src/cli/replicate/reporter.js'
import {openReplicatorService} from '../src/cli/replicate/service.js'
import {shadowFields, shadowLines} from '../src/cli/replicate/shadow.js'
import {destinationOf} from '../src/cli/replicate/sub-verb.js'
import {syslogAdvice} from '../src/cli/replicate/syslog.js'
import {type Sides, unreadableLines} from '../src/cli/replicate/unreadable.js'
import {flagOnly} from '../src/cli/settings.js'
import {unproven, unprovenCode, unprovenMeaning} from '../src/cli/unproven.js'
import type {ConnectionSettings} from '../src/config/connection.js'
import type {Settings} from '../src/config/files.js'
import {readReplicateConfig} from '../src/config/replicate-file.js'
import type {PrefixSettings} from '../src/config/replicate-schema.js'
import {withoutSecrets} from '../src/config/secrets.js'
import {linkSignal} from '../src/core/cancel/link-signal.js'
import type {ConsulClient} from '../src/core/client.js'
import {isBatonError, UsageError} from '../src/core/errors.js'
import {systemClock} from '../src/core/time/clock.js'
import {Wake} from '../src/core/time/wake.js'
import type {TransportOptions} from '../src/core/types.js'
import type {Hold} from '../src/lock/types.js'
import {openServiceNotifier} from '../src/process/service-notifier.js'
import {createReplicator} from '../src/replicate/replicator.js'
import type {MappingOptions, ReplicatorEvent, ReplicatorOptions} from '../src/replicate/types.js'
import {parseListen} from '../src/serve/listen.js'

const [stopped, badFlags, fatal, badConfig, heldCode] = [12, 13, 14, 15, 16]

/** Flags that consul-replicate does not have, and whose value is empty only by mistake. */
const neverEmpty = ['lock', 'approve', 'listen', 'undo-dir']

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
    77: unprovenMeaning,
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
  /**
   * As in consul-replicate, most flags may be empty; `run` refuses a flag whose empty value would select something
   * else.
   */
  static override emptyFlags = Object.keys(replicateFlags).filter(name => !neverEmpty.includes(name))
  static override flagRules = maxStaleRules
  static override flags: typeof replicateFlags = replicateFlags
  static override addedFromFiles = ['prefix', ...patternFlags]

  static override exitCodeFor(error: unknown): number | undefined {
    if (isBatonError(error, 'BATON_CANCELLED')) return stopped
    if (isBatonError(error, 'BATON_USAGE')) return badFlags
    return isBatonError(error, 'BATON_CONFIG') ? badConfig : undefined
  }

  declare protected flags: InferredFlags<
    Omit<typeof ConsulCommand.baseFlags, keyof typeof replicateFlags> & typeof replicateFlags
  >

  protected override async readSettings(path: string): Promise<Settings> {
    const {settings, warnings, prefixes} = await readReplicateConfig(
      path,
      Object.keys({...Replicate.baseFlags, ...replicateFlags}).filter(name => !flagOnly.has(name)),
    )
    this.#warnings.push(...warnings)
    checkConfiguredPrefixes(path, settings, this.host.env, {typed: this.typed, prefixes})
    this.#prefixes.set(path, prefixes)
    return settings
  }

  readonly #warnings: string[] = []
  /** Prefixes that have their own settings, by the path of the file or folder that contains them. */
  readonly #prefixes = new Map<string, readonly PrefixSettings[]>()
  #reporter: Reporter | undefined
  /** True for a run that ends only by a signal, whose lines on stderr are log lines. */
  #isService = false
  /** Resolves when the warnings about prefixes that the token may not read are printed: with true if there is one. */
  #readCheck = Promise.resolve(false)
  #clientsOpened: Clients | undefined

  protected override get aclTargets(): readonly string[] {
    return [destinationOf([...(this.flags.prefix ?? []), ...this.words])]
  }

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
    this.#refuseContradictions(isVerify)
    this.#signals()
    const isPreview = isVerify || this.flags['dry-run'] || this.flags.shadow
    this.#isService = isService
    this.#warn(this.#mode(isPreview))
    if (this.flags.shadow) return await this.#shadow()
    if (isPreview) return await this.#preview(isVerify)
    const pidFile = this.flags['pid-file']
    using _pid = pidFile === undefined || pidFile === '' ? undefined : writePidFile(pidFile, process.pid)
    return this.flags.once ? await this.#once() : await this.#follow()
  }

  #refuseContradictions(isVerify: boolean): void {
    const isApproved = (this.flags.approve?.length ?? 0) > 0 || this.flags['approve-deletes']
    refuseContradictions({...this.flags, json: this.jsonEnabled()}, isApproved, isVerify)
  }

  #mode(isPreview: boolean): Mode {
    if (this.flags.shadow) return 'shadow'
    return isPreview ? 'preview' : this.flags.once ? 'once' : 'follow'
  }

  async #preview(isVerify: boolean): Promise<number> {
    const opened = await this.#open(true)
    const previews = await createReplicator(opened.destination, opened.options).preview({signal: this.stopSignal})
    const differ = previews.some(differs)
    const isUnproven = (await this.#readCheck) && !differ
    if (this.jsonEnabled()) this.out.json({equal: isUnproven ? null : !differ, mappings: previews})
    else {
      for (const preview of previews) {
        if (!isVerify) for (const change of preview.changes) this.out.line(changeLine(change))
        this.out.line(previewLine(preview))
      }
    }
    for (const preview of previews) for (const held of preview.held) this.out.error(`baton: ${heldLine(held)}`)
    if (isUnproven) this.out.error(`baton: replicate: ${unproven}`)
    return isUnproven ? unprovenCode : differ ? 1 : 0
  }

  async #once(): Promise<number> {
    const opened = await this.#open()
    await using hold = await this.#acquire?.(opened, this.stopSignal)
    const options = hold ? {...opened.options, fence: {key: hold.key, session: hold.session}} : opened.options
    const passes = await createReplicator(opened.destination, options).runOnce({signal: this.stopSignal})
    await this.#readCheck
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
    const opened = await this.#open()
    const shown = {
      listen: address,
      notifier: openServiceNotifier(this.host.env, text => this.#say(text)),
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
      onReloaded: () => service.reloaded(),
      onReplicator: replicator => service.show(replicator),
      onSettled: ({destination, options}) => this.#clients.keepOnly(new Set(clientsOf(destination, options))),
      acquire:
        this.#acquire &&
        (async (now, signal) => {
          service.standBy()
          return (await this.#acquire?.(now, signal)) as Hold
        }),
    })
    return stopped
  }

  #signals(): Readonly<Record<'reload' | 'kill', NodeJS.Signals | undefined>> {
    const signals = {
      reload: parseSignal(this.flags['reload-signal'], '--reload-signal'),
      kill: parseSignal(this.flags['kill-signal'] ?? '', '--kill-signal'),
    }
    checkSignals(signals)
    return signals
  }

  async #reopen(): Promise<Opened> {
    const before = {flags: this.flags, words: this.words, sources: this.sources}
    try {
      await this.readFlags()
      this.#refuseContradictions(false)
      for (const line of changedInVain(before.flags, this.flags)) this.#say(line)
      return await this.#open()
    } catch (error) {
      Object.assign(this, before)
      throw error
    }
  }

  /** Opens clients for the current settings, so that a reload can change addresses and tokens. */
  async #open(isPreview = false): Promise<Opened> {
    checkApprovals(this.flags, this.sources)
    const prefixes = [...this.#prefixes.values()].flat()
    const {mappings: plain, ...options} = await toReplicatorOptions(this.flags, this.words, prefixes)
    for (const warning of doubtfulOptions({...options, mappings: plain})) this.#say(warning)
    const from = sourceConnection(this.flags)
    const to = withConsulReplicate(this.connectionSettings(), this.flags, {env: this.host.env, sources: this.sources})
    for (const {warning} of from ? [to, from] : [to]) if (warning !== undefined) this.#say(warning)
    const open = (settings: ConnectionSettings): ConsulClient => this.#clients.get(settings)
    const mappings = await withPrefixSettings(plain, prefixes, {
      from: from?.settings ?? to.settings,
      to: to.settings,
      open,
      warn: text => this.#say(text),
    })
    if (this.flags.lock !== undefined) checkLock(this.flags.lock, {mappings})
    const source = from && open(from.settings)
    const undo = toUndo(this.flags, this.host.env)
    const destination = open(to.settings)
    this.#readCheck = this.#warnOfUnreadable(mappings, {
      source: source ?? destination,
      ...(isPreview && {destination}),
    })
    return {
      destination,
      shared: JSON.stringify({...this.flags, prefix: undefined}),
      options: {
        ...options,
        mappings,
        ...(undo && {undo}),
        ...(source && {source}),
        logger: this.logger,
        observer: event => this.#observe(event),
      },
    }
  }

  get #clients(): Clients {
    this.#clientsOpened ??= this.releases.use(
      new Clients({logger: this.logger, transport: (one: TransportOptions) => this.openTransport(one)}),
    )
    return this.#clientsOpened
  }

  /** Returns a function that waits for the lock; undefined without --lock. */
  get #acquire(): ((opened: Opened, signal: AbortSignal) => Promise<Hold>) | undefined {
    const {lock} = this.flags
    if (lock === undefined) return undefined
    return (opened, signal) => acquireLock(lock, opened, {signal, say: text => this.#say(text)})
  }

  #say(text: string): void {
    if (!this.#isService) this.out.warn(text)
    else if (!this.flags.quiet) this.logger.warn({}, text)
  }

  async #warnOfUnreadable(mappings: readonly MappingOptions[], sides: Sides): Promise<boolean> {
    let isIncomplete = false
    for await (const line of unreadableLines(mappings, sides)) {
      isIncomplete = true
      this.#say(line)
    }
    return isIncomplete
  }

  /** Until a stop signal arrives, compares what another replicator writes with what this one would have written. */
  async #shadow(): Promise<number> {
    const {destination, options} = await this.#open()
    for await (const report of createReplicator(destination, options).shadow({signal: this.stopSignal})) {
      if (this.flags.ndjson) this.out.json(shadowFields(report, systemClock.wallMs()), {compact: true})
      else for (const line of shadowLines(report)) this.out.line(line)
    }
    return stopped
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
    const prefixes = [...this.#prefixes].filter(([, some]) => some.length > 0)
    for (const [path, some] of prefixes) shown[`prefix (${path})`] = {value: shownPrefixes(some), source: path}
    if (!usesOwnToken(env, this.sources)) return shown
    shown['token-file'] = {value: null, source: 'default'}
    return {...shown, token: {value: withoutSecrets('token', env['CONSUL_TOKEN']), source: 'CONSUL_TOKEN'}}
  }

  /**
   * As in consul-replicate, level `info` reports each replication pass, and `debug` also names each key. Without
   * --once, the reports are log lines.
   */
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
      if (better !== undefined) this.#say(`-${name} is deprecated, use -${better}`)
    }
    const withoutEffect = settingsWithoutEffect(this.flags, mode, this.sources)
    for (const warning of [...this.#warnings, ...withoutEffect]) this.#say(warning)
    const advice = syslogAdvice(this.flags)
    if (advice !== undefined) this.#say(advice)
  }
}

function* clientsOf(destination: ConsulClient, {source, mappings}: ReplicatorOptions): Generator<ConsulClient> {
  yield destination
  if (source) yield source
  for (const {sourceClient, destinationClient} of mappings) {
    if (sourceClient) yield sourceClient
    if (destinationClient) yield destinationClient
  }
}
