import type {InferredFlags} from '@oclif/core/interfaces'
import {type BaseCommand, type CompatAnswer, flagShapes} from '../src/cli/base-command.js'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {maxStaleRules} from '../src/cli/flag-rules.js'
import {typedNames} from '../src/cli/flag-words.js'
import {goTransportFlags} from '../src/cli/go-connection-flags.js'
import type {HiddenCheck} from '../src/cli/hidden-items.js'
import {withConsulReplicate} from '../src/cli/replicate/connection.js'
import {deprecatedFlags} from '../src/cli/replicate/flags.js'
import {checkSignals, listen, parseSignal, writePidFile} from '../src/cli/replicate/process.js'
import {flagOnly} from '../src/cli/settings.js'
import {type ChildSettings, toChild} from '../src/cli/template/child.js'
import {exitAsConsulTemplate, stoppedCode} from '../src/cli/template/compat.js'
import {templateFlags} from '../src/cli/template/flags.js'
import {type TemplatePlan, TemplateSession} from '../src/cli/template/session.js'
import {parseWord, readSpecs, toQuiet} from '../src/cli/template/specs.js'
import type {BlockValues} from '../src/config/blocks.js'
import {toClientOptions} from '../src/config/connection.js'
import type {Settings} from '../src/config/files.js'
import {readTemplateConfig, type TemplateFile} from '../src/config/template-file.js'
import type {ClientOptions} from '../src/core/client.js'
import {messageOf, UsageError} from '../src/core/errors.js'
import {NodeTransport} from '../src/core/http/node-transport.js'
import {HandlerError} from '../src/process/handler.js'
import {readTemplate} from '../src/template/render.js'
import {templateConnections} from '../src/template/store.js'

/** Flags that have no effect without a child. */
const childOnly = [
  'exec-reload-signal',
  'exec-kill-signal',
  'grace',
  'exec-splay',
  'restart',
  'exec-env-pristine',
  'exec-env-custom',
  'exec-env-allowlist',
  'exec-env-denylist',
]
/** Flags that have no effect because --dry writes no file and runs no command. */
const writeOnly = ['check', 'rollback', 'lock']
/** Flags of consul-template that are accepted and do nothing, with the reason. */
const idle: Readonly<Record<string, string>> = {
  'log-file': 'the log goes to stderr',
  'log-rotate-bytes': 'the log goes to stderr',
  'log-rotate-duration': 'the log goes to stderr',
  'log-rotate-max-files': 'the log goes to stderr',
  'syslog-facility': 'the log goes to stderr',
  'syslog-name': 'the log goes to stderr',
  retry: 'baton chooses the pause between attempts',
  'block-query-wait': 'baton chooses the wait of queries',
  'consul-retry': 'baton retries until --timeout',
  'consul-retry-attempts': 'baton retries until --timeout',
  'consul-retry-backoff': 'baton chooses the pause between attempts',
  'consul-retry-max-backoff': 'baton chooses the pause between attempts',
  ...Object.fromEntries(Object.keys(goTransportFlags).map(name => [name, 'accepted for consul-template only'])),
}

export default class TemplateCommand extends ConsulCommand<typeof TemplateCommand> {
  static override summary = 'write files from templates that follow keys and services'
  static override exitMeanings = {
    0: 'rendered with --once, or stopped by a signal',
    1: 'with --once: something that a template needs was missing at --timeout',
    6: 'a file cannot be written',
    64: 'wrong flags or configuration, or a template is wrong',
    124: 'with --once: a command was stopped at its time limit (30 seconds)',
    126: 'the child cannot be run',
    127: 'the child does not exist',
    '128+n': 'with --once: stopped by signal n',
    other: "exit code of the child, or with --once of a template's command or check",
  }
  static override description = `Templates are written in Go's template language, with the functions of consul-template,
whose configuration files and flags are read, too. A file is written only when everything in its template is known,
and only when its text changes; then the COMMAND runs by a shell. A child after -- starts when all files are there.
When one changes, the child gets --exec-reload-signal, or is stopped and started again.`
  static override usage = ['template IN:OUT[:COMMAND]... [FLAGS] [-- CHILD ARG...]', 'template --config PATH...']
  static override examples = [
    '<%= config.bin %> template nginx.ctmpl:nginx.conf --once',
    "<%= config.bin %> template 'a.ctmpl:a.conf:nginx -s reload' --check 'nginx -t -c $1'",
    '<%= config.bin %> template nginx.ctmpl:nginx.conf --exec-reload-signal HUP -- nginx -c nginx.conf',
    '<%= config.bin %> template nginx.ctmpl --dry --once',
    '<%= config.bin %> template --config /etc/consul-template.d --compat consul',
  ]
  static override strict = false
  static override childForm = {ownArgs: 1, needsSeparator: true}
  static override flagRules = [
    ...maxStaleRules,
    {flag: 'timeout', needs: ['once']},
    {flag: 'wait', besides: ['dry']},
    {flag: 'exec', besides: ['--', 'dry']},
  ]
  static override flags: typeof templateFlags = templateFlags
  static override addedFromFiles = ['template']
  static override emptyFlags = ['kill-signal', 'reload-signal', 'pid-file']

  static override exitCodeFor(error: unknown): number | undefined {
    return error instanceof HandlerError ? error.exitCode : undefined
  }

  declare protected flags: InferredFlags<
    Omit<typeof ConsulCommand.baseFlags, keyof typeof templateFlags> & typeof templateFlags
  >
  #files: TemplateFile[] = []
  #roundCount = 0
  #session: TemplateSession | undefined

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  protected override answerAsConsul(error: unknown): CompatAnswer {
    return {exit: exitAsConsulTemplate(error), line: `baton: ${messageOf(error)}`}
  }

  protected override async readFlags(): Promise<void> {
    const before = this.#files
    this.#files = []
    try {
      await super.readFlags()
    } catch (error) {
      this.#files = before
      throw error
    }
  }

  protected override async readSettings(path: string): Promise<Settings> {
    const names = Object.keys({...TemplateCommand.baseFlags, ...templateFlags}).filter(name => !flagOnly.has(name))
    const file = await readTemplateConfig(path, names)
    this.#files.push(file)
    return file.settings
  }

  protected override clientOptions(): ClientOptions {
    const {flags, host, sources} = this
    const {settings} = withConsulReplicate(this.connectionSettings(), flags, {env: host.env, sources})
    return toClientOptions({...settings, ...(flags.stale && {stale: true})})
  }

  async run(): Promise<number> {
    if (this.flags.version) {
      this.out.line(this.config.version)
      return 0
    }
    this.#warn()
    const plan = await this.#plan()
    if (this.flags['parse-only']) {
      for (const spec of plan.specs) readTemplate(spec.name, spec.text, spec)
      return 0
    }
    const pidFile = this.flags['pid-file'] ?? ''
    using _pid = pidFile === '' ? undefined : writePidFile(pidFile, process.pid)
    const reload = parseSignal(this.flags['reload-signal'], '--reload-signal')
    const kill = parseSignal(this.flags['kill-signal'] ?? '', '--kill-signal')
    checkSignals({reload, kill})
    await using session = new TemplateSession({
      plan,
      onHopeless: error => {
        if (this.ifHopeless === 'end') this.endWith(error)
      },
      openClient: () => {
        this.#roundCount += 1
        return this.openClient({transport: options => new NodeTransport({...options, ...templateConnections})})
      },
      replan: () => this.#replan(),
      stops: this.stopSignals,
      signals: this.host.signals,
      templateEnv: this.host.env,
      stdin: this.host.isStdinTerminal ? 'ignore' : 'inherit',
      out: this.out,
    })
    this.#session = session
    if (reload === 'SIGHUP' || reload === 'SIGQUIT' || reload === 'SIGINT' || reload === 'SIGTERM')
      this.stopSignals.release(reload)
    using _reload = listen(this.host.signals, reload, () => session.reload())
    using _kill = listen(this.host.signals, kill, () => session.stop())
    const childExit = await session.run()
    if (childExit !== undefined) return childExit.code
    if (this.flags.once && plan.child === undefined) this.stopSignal.throwIfAborted()
    return this.isCompat && this.stopSignal.aborted ? stoppedCode : 0
  }

  async #plan(): Promise<TemplatePlan> {
    const {flags, sources} = this
    const blocks: BlockValues[] = [
      ...this.#files.flatMap(file => file.templates),
      ...[...(flags.template ?? []), ...this.words].map(parseWord),
    ]
    const env = this.#childEnv()
    const child = this.#child(env)
    if (flags.dry && child) throw new UsageError('--dry: does not go with a child')
    const isFatal = sources.has('template-error-fatal') ? flags['template-error-fatal'] : undefined
    const quiet = toQuiet(flags.wait)
    return {
      specs: await readSpecs(blocks, {
        isDry: flags.dry || flags['parse-only'],
        errorOnMissingKey: flags['error-on-missing-key'],
        leftDelimiter: flags['default-left-delimiter'],
        rightDelimiter: flags['default-right-delimiter'],
        isErrorFatal: isFatal ?? (this.isCompat ? true : undefined),
        check: flags.check,
        env,
      }),
      child,
      once: flags.once,
      dry: flags.dry,
      isDiffShown: flags.diff,
      rollsBack: sources.has('rollback') ? flags.rollback : !this.isCompat,
      timeoutMs: flags.timeout,
      maxStaleMs: flags['max-stale'],
      quiet,
      lock: flags.lock,
    }
  }

  #child(env: Readonly<Record<string, string>>): ChildSettings | undefined {
    const {flags, sources} = this
    if (this.child?.words.length === 0) {
      throw new UsageError('template: no child after --', {hint: 'leave -- out, or give a command'})
    }
    const block = this.#files.reduce<BlockValues>((all, file) => ({...all, ...file.exec}), {})
    const isGiven = (flag: string): boolean => sources.has(flag)
    return toChild({flags, isGiven, words: this.child?.words ?? [], block, env})
  }

  async #replan(): Promise<TemplatePlan> {
    const before = {flags: this.flags, words: this.words, sources: this.sources}
    try {
      await this.readFlags()
      this.#warn()
      return await this.#plan()
    } catch (error) {
      Object.assign(this, before)
      throw error
    }
  }

  /**
   * Returns variables with which commands and children can connect to the same agent. They do not contain the token.
   */
  #childEnv(): Readonly<Record<string, string>> {
    const address = this.flags['http-addr']
    return {...this.childEnvironment(), ...(address !== undefined && address !== '' && {CONSUL_HTTP_ADDR: address})}
  }

  #warn(): void {
    const isTyped = (name: string): boolean => this.sources.get(name) === 'flag'
    for (const name of typedNames(this.typed, flagShapes(this.ctor as typeof BaseCommand))) {
      const better = Object.hasOwn(deprecatedFlags, name) ? deprecatedFlags[name] : undefined
      if (better !== undefined) this.out.warn(`-${name} is deprecated, use -${better}`)
    }
    for (const warning of this.#files.flatMap(file => file.warnings)) this.out.warn(warning)
    if (this.#child({}) === undefined) {
      for (const name of childOnly) {
        if (isTyped(name)) this.out.warn(`--${name}: no effect without a child`)
      }
    }
    for (const [name, reason] of Object.entries(idle)) {
      if (isTyped(name)) this.out.warn(`--${name}: no effect: ${reason}`)
    }
    if (this.flags.dry) {
      for (const name of writeOnly) if (isTyped(name)) this.out.warn(`--${name}: no effect: --dry writes no file`)
    }
    if (this.flags['exec-env-pristine']) {
      for (const name of ['exec-env-allowlist', 'exec-env-denylist']) {
        if (isTyped(name)) this.out.warn(`--${name}: no effect: --exec-env-pristine gives the child no variable`)
      }
    }
    if (this.flags.once && isTyped('wait')) this.out.warn('--wait: no effect: it is for runs without --once')
    if (this.flags.dedup) this.out.warn('dedup: no effect: baton shares queries itself')
    if (this.flags.syslog) this.out.warn('syslog: no effect: the log goes to stderr')
  }

  /**
   * Until the files have been written with the settings from the start, a failure ends the command. After that, the
   * command continues and keeps the files that it has written.
   */
  protected override get ifHopeless(): 'end' | 'report' {
    return this.#roundCount > 1 || this.#session?.isRendered === true ? 'report' : 'end'
  }

  protected override sayWaiting(text: string): void {
    this.out.warn(text)
  }
}
