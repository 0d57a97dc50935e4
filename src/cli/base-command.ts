import {isatty} from 'node:tty'
import {Command} from '@oclif/core/command'
import type {InferredArgs, InferredFlags} from '@oclif/core/interfaces'
import type {Environment} from '../config/environment.js'
import {readSettingsFile, type Settings} from '../config/files.js'
import {ReleaseStack} from '../core/cancel/release-stack.js'
import type {ErrorCode} from '../core/errors.js'
import {systemClock} from '../core/time/clock.js'
import {type ChildForm, type DataForm, flagWords, type SplitArgv, splitArgv} from './argv.js'
import {type Paint, painter} from './colour.js'
import {withMarkedValues} from './dashed-values.js'
import {refuseEmptyValues} from './empty-values.js'
import type {ExitMeanings} from './exit-meanings.js'
import type {FlagShape} from './flag-words.js'
import {commonFlags} from './flags.js'
import {toFlagWords} from './option-words.js'
import {Output} from './output.js'
import {toUsageError, unknownFlags} from './parse-errors.js'
import {createPinoLogger, type FlushableLogger, type LogFormat, type LogLevel} from './pino-logger.js'
import {describeSettings, layerSettings, type SettingSources} from './settings.js'
import {catchStopSignals, type StopSignals} from './signals.js'
import {StatusLine} from './status-line.js'

export type ChildWords = NonNullable<SplitArgv['child']>

/** What `bin` and tests hand to a command instead of letting it reach for globals. */
export interface CommandHost {
  readonly env: Environment
  readonly stdin: NodeJS.ReadStream
  /** Whether stdin is a terminal; asking does not open it. */
  readonly isStdinTerminal: boolean
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

/** Opens a stream when it is asked for: stdin alone would be a thirtieth of the start-up. */
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
})

type Flagged = Pick<typeof BaseCommand, 'baseFlags' | 'flags' | 'enableJsonFlag'>

/** What splitting needs to know of a command's flags: oclif's own --json among them. */
export const flagShapes = ({baseFlags, flags, enableJsonFlag}: Flagged): Readonly<Record<string, FlagShape>> => ({
  ...(enableJsonFlag && {json: {type: 'boolean'}}),
  ...(baseFlags as unknown as Readonly<Record<string, FlagShape>>),
  ...(flags as unknown as Readonly<Record<string, FlagShape>>),
})

/** The flags among a command's arguments, each in its long form with its value in one argument. */
export const ownFlags = (
  words: readonly string[],
  command: Flagged & Pick<typeof BaseCommand, 'childForm' | 'dataForm'>,
): readonly string[] => flagWords(splitArgv(words, flagShapes(command), command).own)

/** What a command with `--compat` answers to an error. */
export interface CompatAnswer {
  readonly exit: number
  /** For stderr. */
  readonly line: string | undefined
}

/**
 * A command translates arguments to an options object and a result to text, and nothing else.
 * `run` resolves to the exit code; errors are thrown and get their code in one place (src/main).
 * Never parse, print or exit by oclif's own means: they reorder arguments, swallow stdin and leak settings.
 */
export abstract class BaseCommand<T extends typeof Command = typeof Command> extends Command {
  static override baseFlags: typeof commonFlags = commonFlags
  /** Set by commands that run a child: how its arguments are separated from the command's own. */
  static childForm: ChildForm | undefined = undefined
  /** Set by commands that take free text: it may begin with dashes. */
  static dataForm: DataForm | undefined = undefined
  /** Repeatable flags to which files add, where other settings of a file give way to a flag. */
  static addedFromFiles: readonly string[] = []

  /** The meanings of exit codes that are the command's own. */
  static exitMeanings: ExitMeanings = {}

  /** Flags whose value may be empty. */
  static emptyFlags: readonly string[] | 'all' = []

  /** For a command with exit codes of its own; undefined leaves an error to the common table. */
  static exitCodeFor(_error: unknown): number | undefined {
    return undefined
  }

  protected flags!: InferredFlags<(typeof BaseCommand)['baseFlags'] & T['flags']>
  protected args!: InferredArgs<T['args']>
  /** Positional arguments, for commands that take any number of them (`strict = false`). */
  protected words: readonly string[] = []
  /** The child's arguments, exactly as typed. */
  protected child: ChildWords | undefined
  protected out!: Output
  protected logger!: FlushableLogger
  protected sources: SettingSources = new Map()
  protected readonly host: CommandHost = processHost()
  /** Released after `run`, also if it fails, in reverse order. */
  protected readonly releases = new ReleaseStack()
  /** The command's arguments as typed; parsing replaces `argv`. */
  protected readonly typed: readonly string[] = [...this.argv]
  #signals: StopSignals | undefined
  #statusLine: StatusLine | undefined
  #fault: {readonly error: unknown} | undefined
  #repeated: readonly string[] = []

  abstract override run(): Promise<number>

  /** Parses, runs, cleans up. The only entry; resolves to the exit code. */
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
    } finally {
      await this.releases[Symbol.asyncDispose]()
      this.#signals?.[Symbol.dispose]()
      await (this.logger as FlushableLogger | undefined)?.flush()
    }
  }

  /** True if `--compat` is set. If the arguments could not be parsed, they are searched for it. */
  protected get isCompat(): boolean {
    const shapes = this.#shapes
    if (!Object.hasOwn(shapes, 'compat')) return false
    const parsed = this.flags as {readonly compat?: string} | undefined
    if (parsed) return parsed.compat !== undefined
    const given = ownFlags(this.typed, this.ctor as typeof BaseCommand).filter(word => word.startsWith('--compat='))
    return (given.at(-1) ?? `--compat=${this.host.env['BATON_COMPAT'] ?? ''}`) === '--compat=consul'
  }

  /** For a command with `--compat`: an error in the words of Consul's own tool. Undefined leaves it to the common table. */
  protected answerAsConsul(_error: unknown): CompatAnswer | undefined {
    return undefined
  }

  /** A result that could not be written, to a full disk for instance, is not a success. */
  async #printed(exitCode: number): Promise<number> {
    const failure = await this.out.settled()
    if (!failure) return exitCode
    this.out.error(`baton: stdout: ${failure.message}`)
    return exitCode === 0 ? 1 : exitCode
  }

  /** The line of stderr that shows how far the command is. Messages and log lines take it off first. */
  protected get statusLine(): StatusLine {
    this.#statusLine ??= new StatusLine(this.host.stderr)
    return this.#statusLine
  }

  /** Styles for text on one of the streams. */
  protected painterFor(stream: 'stdout' | 'stderr'): Paint {
    return painter(this.host[stream], this.host.env)
  }

  /** A logger of the command's format with a level of its own. */
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

  /** The variables that this process has, for what it starts. */
  protected childEnvironment(): Record<string, string> {
    const entries = Object.entries(this.host.env)
    return Object.fromEntries(entries.filter((pair): pair is [string, string] => pair[1] !== undefined))
  }

  /** Stop signals end the process as usual until the command has read this for the first time. */
  protected get stopSignals(): StopSignals {
    this.#signals ??= catchStopSignals()
    return this.#signals
  }

  /** Aborts with a CancelledError on INT, TERM, HUP or QUIT. */
  protected get stopSignal(): AbortSignal {
    return this.stopSignals.signal
  }

  /** Stops the command as a stop signal does, but with this error. */
  protected endWith(error: unknown): void {
    this.#fault ??= {error}
    this.stopSignals.abort(error)
  }

  /** A file given with --config, as settings by the names of flags. */
  protected readSettings(path: string): Promise<Settings> {
    return readSettingsFile(path)
  }

  /** Reads arguments, variables and files again. If they are not valid, it rejects and changes nothing. */
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
    })
    const {args, strict, enableJsonFlag} = ctor
    const {argv, flags} = withMarkedValues(layered.argv, {...ctor.baseFlags, ...ctor.flags})
    const parsed = await this.parse({flags, args, strict, enableJsonFlag}, argv).catch((error: unknown) => {
      throw toUsageError(error, this.id ?? '')
    })
    refuseEmptyValues(parsed.flags, {sources: layered.sources, allowed: ctor.emptyFlags})
    this.child = split.child
    this.sources = layered.sources
    this.flags = parsed.flags as typeof this.flags
    this.args = parsed.args as typeof this.args
    this.words = split.positionals
    this.#repeated = split.repeated
  }

  /** False when there is nothing to run: the settings were printed. */
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
    // Consul's tools take it without a word.
    for (const name of this.isCompat ? [] : this.#repeated)
      this.out.warn(`--${name}: is given several times: the last value counts`)
    if ((this.flags as {'print-config'?: boolean})['print-config'] !== true) return true
    this.out.json(this.settingsShown())
    return false
  }

  /** Prints a negative result of the command in the text of Consul's tools, or as an object with --json. */
  protected refuse(text: string, {code, exit}: {readonly code: ErrorCode; readonly exit: number}): number {
    if (this.jsonEnabled()) this.out.json({error: {code, message: text, exit}}, {compact: true})
    else this.out.error(text)
    return exit
  }

  /** Every setting with its value and source; secrets are named, not shown. */
  protected settingsShown(): ReturnType<typeof describeSettings> {
    return describeSettings(this.#shapes, this.flags, this.sources)
  }

  /** A text of the library with the command's flags in the place of the options it names. */
  protected phrase(text: string): string {
    return toFlagWords(text, this.#shapes)
  }

  get #shapes(): Readonly<Record<string, FlagShape>> {
    return flagShapes(this.ctor as typeof BaseCommand)
  }
}
