import {isatty} from 'node:tty'
import {Command} from '@oclif/core/command'
import type {Config, InferredArgs, InferredFlags} from '@oclif/core/interfaces'
import type {Environment} from '../config/environment.js'
import {readSettingsFile, type Settings} from '../config/files.js'
import {ReleaseStack} from '../core/cancel/release-stack.js'
import type {ErrorCode} from '../core/errors.js'
import {systemClock} from '../core/time/clock.js'
import {type ChildForm, type DataForm, flagWords, type SplitArgv, splitArgv} from './argv.js'
import {type Paint, painter} from './colour.js'
import {withMarkedValues} from './dashed-values.js'
import {canBeEmpty, refuseEmptyValues} from './empty-values.js'
import type {ExitMeanings} from './exit-meanings.js'
import {checkFlagRules, commonRules, type FlagRule} from './flag-rules.js'
import type {FlagShape} from './flag-words.js'
import {commonFlags, consulFlags} from './flags.js'
import {toFlagWords} from './option-words.js'
import {Output} from './output.js'
import {toUsageError, unknownFlags} from './parse-errors.js'
import {createPinoLogger, type FlushableLogger, type LogFormat, type LogLevel} from './pino-logger.js'
import {describeSettings, layerSettings, type SettingSources, withOrigin} from './settings.js'
import {catchStopSignals, type SignalSource, type StopSignals} from './signals.js'
import {StatusLine} from './status-line.js'

export type ChildWords = NonNullable<SplitArgv['child']>

/** The parts of the process that a command uses. `bin` and tests pass them in. */
export interface CommandHost {
  readonly env: Environment
  readonly stdin: NodeJS.ReadStream
  /** True if stdin is a terminal. Reading this property does not open stdin. */
  readonly isStdinTerminal: boolean
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly signals: SignalSource
}

/**
 * Returns the process as a host. Opens each stream only at its first use, because opening stdin takes 3 % of the
 * start-up time.
 */
export const processHost = (): CommandHost => ({
  env: process.env,
  get stdin() {
    return process.stdin
  },
  get isStdinTerminal() {
    return isatty(0)
  },
  get stdout() {
    return process.stdout
  },
  get stderr() {
    return process.stderr
  },
  signals: process,
})

/** oclif's Config, with a host for the command. */
export type HostedConfig = Config & {readonly host?: CommandHost}

type Flagged = Pick<typeof BaseCommand, 'baseFlags' | 'flags' | 'enableJsonFlag'>

const shapesOf = new WeakMap<Flagged, Readonly<Record<string, FlagShape>>>()

/** Returns the facts about a command's flags, including oclif's own --json, that are needed to split its arguments. */
export function flagShapes(command: Flagged): Readonly<Record<string, FlagShape>> {
  const known = shapesOf.get(command)
  if (known) return known
  const {baseFlags, flags, enableJsonFlag} = command
  const shapes = {
    ...(enableJsonFlag && {json: {type: 'boolean' as const}}),
    ...(baseFlags as unknown as Readonly<Record<string, FlagShape>>),
    ...(flags as unknown as Readonly<Record<string, FlagShape>>),
  } satisfies Readonly<Record<string, FlagShape>>
  shapesOf.set(command, shapes)
  return shapes
}

/** Returns the flags among a command's arguments, each in its long form together with its value in one argument. */
export const ownFlags = (
  words: readonly string[],
  command: Flagged & Pick<typeof BaseCommand, 'childForm' | 'dataForm'>,
): readonly string[] => flagWords(splitArgv(words, flagShapes(command), command).own)

/** How a command with `--compat` reacts to an error. */
export interface CompatAnswer {
  readonly exit: number
  /** The line for stderr; undefined if there is none. */
  readonly line: string | undefined
}

/**
 * Base class of all commands. A command only translates its arguments to an options object and a result to text. `run`
 * resolves to the exit code; errors are thrown and get their exit code in one place (src/main). Never parse, print or
 * exit with oclif's own methods: they reorder arguments, read stdin and reveal settings.
 */
export abstract class BaseCommand<T extends typeof Command = typeof Command> extends Command {
  static override baseFlags: typeof commonFlags = commonFlags
  /** How the child's arguments are separated from the command's own. Set by commands that run a child. */
  static childForm: ChildForm | undefined = undefined
  /** The position of the free text, which may begin with dashes. Set by commands that take free text. */
  static dataForm: DataForm | undefined = undefined
  /**
   * Repeatable flags whose values in files are added to those on the command line. All other settings in files are
   * replaced by the command line.
   */
  static addedFromFiles: readonly string[] = []

  /** The meanings of exit codes that only this command has. */
  static exitMeanings: ExitMeanings = {}

  /** Flags that contradict other flags, or that have no effect without other flags. */
  static flagRules: readonly FlagRule[] = []

  /** Flags whose value may be empty. */
  static emptyFlags: readonly string[] | 'all' = []

  /** Returns this command's exit code for an error, or undefined to use the exit code that all commands share. */
  static exitCodeFor(_error: unknown): number | undefined {
    return undefined
  }

  protected flags!: InferredFlags<(typeof BaseCommand)['baseFlags'] & T['flags']>
  protected args!: InferredArgs<T['args']>
  /** Positional arguments, for commands that take any number of them (`strict = false`). */
  protected words: readonly string[] = []
  /** The child's arguments, exactly as given. */
  protected child: ChildWords | undefined
  protected out!: Output
  protected logger!: FlushableLogger
  protected sources: SettingSources = new Map()
  protected readonly host: CommandHost = (this.config as HostedConfig).host ?? processHost()
  /** Releases resources in reverse order after `run`, even if `run` fails. */
  protected readonly releases = new ReleaseStack()
  /** The command's arguments as given. Parsing replaces `argv`, but not this copy. */
  protected readonly typed: readonly string[] = [...this.argv]
  #signals: StopSignals | undefined
  #statusLine: StatusLine | undefined
  #fault: {readonly error: unknown} | undefined
  #repeated: readonly string[] = []
  #withoutEffect: readonly string[] = []

  abstract override run(): Promise<number>

  /** Parses, runs and cleans up. Resolves to the exit code. Nothing else calls `run`. */
  async execute(): Promise<number> {
    try {
      return await this.#execute()
    } catch (error) {
      const answer = this.isCompat ? this.answerAsConsul(error) : undefined
      if (answer === undefined) throw error
      if (answer.line !== undefined) this.host.stderr.write(`${toFlagWords(answer.line, this.#shapes, 'go')}\n`)
      return answer.exit
    }
  }

  async #execute(): Promise<number> {
    try {
      const exitCode = (await this.#prepare()) ? await this.run() : 0
      if (this.#fault) throw this.#fault.error
      return await this.#printed(exitCode)
    } catch (error) {
      throw withOrigin(error, this.sources)
    } finally {
      await this.releases[Symbol.asyncDispose]()
      this.#signals?.[Symbol.dispose]()
      await (this.logger as FlushableLogger | undefined)?.flush()
    }
  }

  /** True if `--compat` is set. If the arguments could not be parsed, checks whether they contain `--compat`. */
  protected get isCompat(): boolean {
    const shapes = this.#shapes
    if (!Object.hasOwn(shapes, 'compat')) return false
    const parsed = this.flags as {readonly compat?: string} | undefined
    if (parsed) return parsed.compat !== undefined
    const given = ownFlags(this.typed, this.ctor as typeof BaseCommand).filter(word => word.startsWith('--compat='))
    return (given.at(-1) ?? `--compat=${this.host.env['BATON_COMPAT'] ?? ''}`) === '--compat=consul'
  }

  /**
   * Returns how Consul's own tool reacts to an error, for a command with `--compat`. Returns undefined to treat the
   * error like any other.
   */
  protected answerAsConsul(_error: unknown): CompatAnswer | undefined {
    return undefined
  }

  /** Resolves to 1 instead of 0 if the result could not be written, for instance because the disk is full. */
  async #printed(exitCode: number): Promise<number> {
    const failure = await this.out.settled()
    return failure !== undefined && exitCode === 0 ? 1 : exitCode
  }

  /** The line on stderr that shows progress. Messages and log lines erase it before they are written. */
  protected get statusLine(): StatusLine {
    this.#statusLine ??= new StatusLine(this.host.stderr)
    return this.#statusLine
  }

  /** Returns a function that styles text for one of the streams. */
  protected painterFor(stream: 'stdout' | 'stderr'): Paint {
    return painter(this.host[stream], this.host.env)
  }

  /** Returns a logger in the command's format that logs at `least` and above. */
  protected createLogger(least: LogLevel): FlushableLogger {
    const {stderr} = this.host
    const {'log-format': given} = this.flags as {readonly 'log-format'?: LogFormat}
    return createPinoLogger(least, {
      format: given ?? (stderr.isTTY ? 'text' : 'json'),
      write: text => {
        this.statusLine.clear()
        stderr.write(text)
      },
      wallMs: () => systemClock.wallMs(),
    })
  }

  /** Returns the environment for processes that the command starts. */
  protected childEnvironment(): Record<string, string> {
    const entries = Object.entries(this.host.env)
    return Object.fromEntries(entries.filter((pair): pair is [string, string] => pair[1] !== undefined))
  }

  /** Catches stop signals from the first access of this property on. Before that, they end the process as usual. */
  protected get stopSignals(): StopSignals {
    this.#signals ??= catchStopSignals(this.host.signals)
    return this.#signals
  }

  /** Aborts with a CancelledError on INT, TERM, HUP or QUIT. */
  protected get stopSignal(): AbortSignal {
    return this.stopSignals.signal
  }

  /** Stops the command with this error, as a stop signal would. */
  protected endWith(error: unknown): void {
    this.#fault ??= {error}
    this.stopSignals.abort(error)
  }

  /** Reads a file given with --config. Returns its settings by flag name. */
  protected readSettings(path: string): Promise<Settings> {
    return readSettingsFile(path)
  }

  /** Reads arguments, variables and files again. If they are not valid, rejects and changes nothing. */
  protected async readFlags(): Promise<void> {
    const ctor = this.ctor as unknown as T & typeof BaseCommand
    const shapes = this.#shapes
    const split = splitArgv(this.typed, shapes, ctor)
    if (split.fault) throw split.fault
    if (split.unknown.length > 0) throw await unknownFlags(split.unknown, {command: this.id ?? '', shapes})
    const layered = await layerSettings({
      command: this.id ?? '',
      argv: split.own,
      off: split.off,
      flags: shapes,
      env: this.host.env,
      readFile: path => this.readSettings(path),
      added: ctor.addedFromFiles,
      sections: (this.config.commandIDs as readonly string[] | undefined)?.map(id => id.replaceAll(' ', '-')) ?? [],
      canBeEmpty: name => canBeEmpty(name, ctor.emptyFlags),
      isUnsetByEmpty: name => Object.hasOwn(ctor.baseFlags, name) && Object.hasOwn(consulFlags, name),
    })
    const {args, strict, enableJsonFlag} = ctor
    const {argv, flags} = withMarkedValues(layered.argv, {...ctor.baseFlags, ...ctor.flags})
    const parsed = await this.parse({flags, args, strict, enableJsonFlag}, argv).catch((error: unknown) => {
      throw withOrigin(toUsageError(error, this.id ?? ''), layered.sources)
    })
    refuseEmptyValues(parsed.flags, {sources: layered.sources, allowed: ctor.emptyFlags})
    const rules = [...commonRules, ...ctor.flagRules]
    const withoutEffect = checkFlagRules(rules, {flags: parsed.flags, sources: layered.sources, child: split.child})
    this.child = split.child
    this.sources = layered.sources
    this.flags = parsed.flags as typeof this.flags
    this.args = parsed.args as typeof this.args
    this.words = split.positionals
    this.#repeated = split.repeated
    this.#withoutEffect = withoutEffect
  }

  /** Resolves with false if there is nothing to run, because the command should only print its settings. */
  async #prepare(): Promise<boolean> {
    await this.readFlags()
    const common = this.flags as unknown as {quiet: boolean; verbose: boolean; 'log-level': 'warn'}
    this.logger = this.createLogger(common['log-level'])
    this.out = new Output({
      stdout: this.host.stdout,
      stderr: this.host.stderr,
      quiet: common.quiet,
      verbose: common.verbose,
      line: this.statusLine,
      phrase: text => this.phrase(text),
    })
    // Consul's tools accept repeated flags and flags without effect silently.
    if (!this.isCompat) {
      for (const name of this.#repeated) this.out.warn(`--${name}: is given several times: the last value counts`)
      for (const line of this.#withoutEffect) this.out.warn(line)
    }
    if ((this.flags as {'print-config'?: boolean})['print-config'] !== true) return true
    this.out.json(this.settingsShown())
    return false
  }

  /** Prints a negative result, such as a missing key: the text that Consul's tools print or, with --json, an object. */
  protected refuse(text: string, {code, exit}: {readonly code: ErrorCode; readonly exit: number}): number {
    if (this.jsonEnabled()) this.out.json({error: {code, message: text, exit}}, {compact: true})
    else this.out.error(text)
    return exit
  }

  /** Returns every setting with its value and source. Secrets are named, but their values are not shown. */
  protected settingsShown(): ReturnType<typeof describeSettings> {
    return describeSettings(this.#shapes, this.flags, this.sources)
  }

  /** Returns a text of the library in which the options are replaced by the command's flags. */
  protected phrase(text: string): string {
    return toFlagWords(text, this.#shapes)
  }

  get #shapes(): Readonly<Record<string, FlagShape>> {
    return flagShapes(this.ctor as typeof BaseCommand)
  }
}
