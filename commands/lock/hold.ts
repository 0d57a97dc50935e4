import {rm} from 'node:fs/promises'
import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ownFlags} from '../../src/cli/base-command.js'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {stateDirectory} from '../../src/cli/directories.js'
import {durationFlag} from '../../src/cli/flags.js'
import {acquireFlags, lockNeeds, longestWait, toAcquireOptions} from '../../src/cli/lock/acquire-flags.js'
import {FlightRecorder} from '../../src/cli/lock/flight-recorder.js'
import {LockReporter} from '../../src/cli/lock/lock-reporter.js'
import {checkSubVerb} from '../../src/cli/lock/sub-verb.js'
import {WaitingLine} from '../../src/cli/lock/waiting-line.js'
import {briefPath} from '../../src/core/brief.js'
import {whenAborted} from '../../src/core/cancel/link-signal.js'
import {defaultGraceMs} from '../../src/core/consul-constants.js'
import {CancelledError, messageOf, UsageError} from '../../src/core/errors.js'
import {whyUnreadable} from '../../src/core/input.js'
import {systemClock} from '../../src/core/time/clock.js'
import {holdWhile} from '../../src/lock/run/hold-while.js'
import type {Hold} from '../../src/lock/types.js'
import {checkPrefix} from '../../src/lock/wire/names.js'
import {parentEnd} from '../../src/process/parent-watch.js'
import {replaceFile} from '../../src/process/replace-file.js'
import {openServiceNotifier} from '../../src/process/service-notifier.js'

const holdGroup = 'HOLD'

export default class LockHold extends ConsulCommand<typeof LockHold> {
  static override summary = 'hold a lock without a command, until a signal or the end of the parent process'
  static override exitMeanings = {
    0: 'held and released',
    75: 'the lock was not acquired in time',
    76: 'the lock was lost; the work under it must stop within --grace',
    78: 'the key serves another kind of lock, or another limit',
    '128+n': 'signal n ended the wait for the lock',
  }
  static override description =
    'Prints one line when the lock is held, and holds it until INT, TERM, HUP or QUIT arrives, or the process that started it ends. ' +
    'It does not know what runs under the lock: the program that uses it must stop that work when this process ends. ' +
    'If it is killed, the lock is free after the lock-delay. For a lock named hold: baton lock hold -- COMMAND.'
  static override usage = 'lock hold KEY [FLAGS]'
  static override examples = [
    '<%= config.bin %> lock hold jobs/backup --ready-file /run/backup.lock.json &',
    '<%= config.bin %> lock hold jobs/backup --parent-signal USR1 --json',
  ]
  static override enableJsonFlag = true
  static override strict = false
  static override emptyFlags = ['name']
  static override args = {key: Args.string({required: true, ignoreStdin: true, description: 'prefix of the lock'})}
  static override flags = {
    ...acquireFlags,
    grace: durationFlag({
      helpGroup: holdGroup,
      description: 'time that the work needs to stop after the loss is reported',
      default: '5s',
    }),
    'ready-file': Flags.string({
      helpGroup: holdGroup,
      description: 'write session and token as JSON while the lock is held',
      helpValue: 'FILE',
    }),
    'follow-parent': Flags.boolean({
      helpGroup: holdGroup,
      description: 'release the lock when the parent process ends (default)',
      default: true,
      allowNo: true,
    }),
    'parent-signal': Flags.option({
      options: ['TERM', 'INT', 'HUP', 'USR1', 'USR2'] as const,
      helpGroup: holdGroup,
      helpValue: 'NAME',
      description: 'send this signal to the parent process when the lock is lost',
    })(),
    json: Flags.boolean({description: 'print the line as JSON', helpGroup: 'COMMON'}),
  }

  protected override get aclNeeds(): ConsulCommand['aclNeeds'] {
    return lockNeeds(this.args.key, this.flags.also)
  }

  async run(): Promise<number> {
    checkSubVerb('hold', this.words)
    const {flags} = this
    const parent = process.ppid
    const {key: prefix} = this.args
    checkPrefix(prefix)
    const {signal} = this.stopSignals
    if (flags['follow-parent']) this.#follow(parent)
    const {verbose: isVerbose, quiet: isQuiet, events, 'metrics-file': metricsFile} = flags
    const waiting = new WaitingLine({stderr: this.host.stderr, line: this.statusLine, isVerbose, isQuiet})
    const settings = {...toAcquireOptions(flags), graceMs: flags.grace ?? defaultGraceMs, command: 'lock hold'}
    const directory = stateDirectory(this.host.env, 'locks')
    const warn = (text: string): void => this.out.warn(`lock ${prefix}: ${text}`)
    const openRecorder = (): FlightRecorder => new FlightRecorder(directory, prefix, settings, warn)
    const reporter = this.releases.use(
      new LockReporter({prefix, out: this.out, waiting, events, metricsFile, openRecorder}),
    )
    await holdWhile(this.openClient(), {
      prefix,
      ...settings,
      timeout: longestWait(flags, ownFlags(this.typed, LockHold), this.out),
      sessionName: flags.name ?? `baton lock for 'lock hold' at '${prefix}'`,
      signal,
      searchPath: this.host.env.PATH,
      connection: this.clientOptions(),
      observer: event => {
        reporter.record(event)
        reporter.tell(event)
      },
      whileHeld: hold => this.#whileHeld(hold, parent),
    })
    return 0
  }

  /**
   * Stops the command, as a stop signal would, when the parent process ends, even while the command
   * waits for the lock.
   */
  #follow(parent: number): void {
    const watch = new AbortController()
    this.releases.defer(() => watch.abort())
    void parentEnd(parent, systemClock, watch.signal).then(() => {
      if (!watch.signal.aborted) this.stopSignals.abort(new CancelledError('the parent process has ended'))
    })
  }

  async #whileHeld(hold: Hold, parent: number): Promise<void> {
    const notifier = openServiceNotifier(this.host.env, text => this.out.warn(text))
    const path = this.flags['ready-file']
    await this.#announce(hold)
    try {
      void notifier.notify('READY=1', `holds ${hold.prefix}`)
      using stopped = whenAborted(this.stopSignal)
      using lost = whenAborted(hold.signal)
      await Promise.race([stopped.promise, lost.promise])
      if (hold.signal.aborted) this.#tellParent(parent)
    } finally {
      if (path !== undefined) await rm(path, {force: true}).catch(() => undefined)
      void notifier.notify('STOPPING=1', `releases ${hold.prefix}`)
    }
  }

  async #announce({prefix, key, session, token}: Hold): Promise<void> {
    const facts = {prefix, key, session, token: String(token), pid: process.pid}
    const path = this.flags['ready-file']
    if (path !== undefined) {
      await replaceFile(path, `${JSON.stringify(facts)}\n`, 0o600).catch((error: unknown) => {
        throw new UsageError(`--ready-file: cannot write ${briefPath(path)}: ${whyUnreadable(error)}`, {cause: error})
      })
    }
    if (this.flags.json) this.out.json(facts, {compact: true})
    else this.out.line(`${prefix}: held by session ${session}, token ${token}`)
  }

  #tellParent(pid: number): void {
    const name = this.flags['parent-signal']
    if (name === undefined || pid <= 1 || process.ppid !== pid) return
    try {
      process.kill(pid, `SIG${name}`)
    } catch (error) {
      this.out.warn(`lock ${this.args.key}: could not send ${name} to the parent process: ${messageOf(error)}`)
    }
  }
}
