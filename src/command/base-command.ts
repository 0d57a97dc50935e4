import {Command} from '@oclif/core/command'
import type {InferredArgs, InferredFlags} from '@oclif/core/interfaces'
import type {Environment} from '../config/environment.js'
import {ReleaseStack} from '../core/cancel/release-stack.js'
import {type ChildForm, type FlagShape, type SplitArgv, splitArgv} from './argv.js'
import {commonFlags} from './flags.js'
import {Output} from './output.js'
import {createPinoLogger, type FlushableLogger} from './pino-logger.js'
import {describeSettings, layerSettings, type SettingSources} from './settings.js'
import {catchStopSignals, type StopSignals} from './signals.js'

export type ChildWords = NonNullable<SplitArgv['child']>

/** What `bin` and tests hand to a command instead of letting it reach for globals. */
export interface CommandHost {
  readonly env: Environment
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

export const processHost = (): CommandHost => ({
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
})

/**
 * A command translates words to an options object and a result to text, and nothing else.
 * `run` resolves to the exit code; errors are thrown and get their code in one place (src/cli).
 * Never parse, print or exit by oclif's own means: they reorder words, swallow stdin and leak settings.
 */
export abstract class BaseCommand<T extends typeof Command = typeof Command> extends Command {
  static override baseFlags: typeof commonFlags = commonFlags
  /** Set by commands that run a child: how its words are told from ours. */
  static childForm: ChildForm | undefined = undefined

  protected flags!: InferredFlags<(typeof BaseCommand)['baseFlags'] & T['flags']>
  protected args!: InferredArgs<T['args']>
  /** The child's words, exactly as typed. */
  protected child: ChildWords | undefined
  protected out!: Output
  protected logger: FlushableLogger = createPinoLogger('warn')
  protected sources: SettingSources = new Map()
  protected readonly host: CommandHost = processHost()
  /** Released after `run`, whatever came of it, in reverse order. */
  protected readonly releases = new ReleaseStack()
  #signals: StopSignals | undefined

  abstract override run(): Promise<number>

  /** Parses, runs, cleans up. The only entry; resolves to the exit code. */
  async execute(): Promise<number> {
    try {
      if (!(await this.#prepare())) return 0
      return await this.run()
    } finally {
      await this.releases[Symbol.asyncDispose]()
      this.#signals?.[Symbol.dispose]()
      await this.logger.flush()
    }
  }

  /** Signals stop a command only once it asked for them; before, they end the process as usual. */
  protected get stopSignals(): StopSignals {
    this.#signals ??= catchStopSignals()
    return this.#signals
  }

  /** Aborts with a CancelledError on INT, TERM or HUP. */
  protected get stopSignal(): AbortSignal {
    return this.stopSignals.signal
  }

  /** False when there is nothing to run: the settings were printed. */
  async #prepare(): Promise<boolean> {
    const ctor = this.ctor as unknown as T & typeof BaseCommand
    const definitions = {...ctor.baseFlags, ...ctor.flags}
    const shapes = definitions as unknown as Readonly<Record<string, FlagShape>>
    const split = splitArgv(this.argv, shapes, ctor.childForm)
    const layered = await layerSettings({
      command: this.id ?? '',
      argv: split.own,
      flags: shapes,
      env: this.host.env,
    })
    this.child = split.child
    this.sources = layered.sources
    const parsed = await this.parse(
      {
        flags: ctor.flags,
        baseFlags: ctor.baseFlags,
        args: ctor.args,
        strict: true,
        enableJsonFlag: ctor.enableJsonFlag,
      },
      [...layered.argv],
    )
    this.flags = parsed.flags as typeof this.flags
    this.args = parsed.args as typeof this.args
    const common = parsed.flags as unknown as {quiet: boolean; verbose: boolean; 'log-level': 'warn'}
    this.logger = createPinoLogger(common['log-level'])
    this.out = new Output({
      stdout: this.host.stdout,
      stderr: this.host.stderr,
      quiet: common.quiet,
      verbose: common.verbose,
    })
    if ((parsed.flags as {'print-config'?: boolean})['print-config'] !== true) return true
    this.out.json(this.settingsShown())
    return false
  }

  /** Every setting with its value and source; secrets are named, not shown. */
  protected settingsShown(): ReturnType<typeof describeSettings> {
    const ctor = this.ctor as typeof BaseCommand
    const shapes = {...ctor.baseFlags, ...ctor.flags} as unknown as Readonly<Record<string, FlagShape>>
    return describeSettings(shapes, this.flags, this.sources)
  }
}
