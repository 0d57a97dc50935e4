import {basename} from 'node:path'
import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {type CompatAnswer, ownFlags} from '../src/cli/base-command.js'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {stateDirectory} from '../src/cli/directories.js'
import {printable} from '../src/cli/exec/printable.js'
import type {FlagRule} from '../src/cli/flag-rules.js'
import {durationFlag} from '../src/cli/flags.js'
import {acquireFlags, lockNeeds, longestWait, toAcquireOptions} from '../src/cli/lock/acquire-flags.js'
import type {AnyLockEvent} from '../src/cli/lock/event-lines.js'
import {FlightRecorder} from '../src/cli/lock/flight-recorder.js'
import {goSessionName, rethrowAsAgentError, toGoAnswer, toGoLine, toGoReleaseLine} from '../src/cli/lock/go-compat.js'
import {Hooks} from '../src/cli/lock/hooks.js'
import {LockReporter} from '../src/cli/lock/lock-reporter.js'
import {policyFlags, toPolicy} from '../src/cli/lock/policy-flags.js'
import {WaitingLine} from '../src/cli/lock/waiting-line.js'
import type {ConsulClient} from '../src/core/client.js'
import {defaultGraceMs} from '../src/core/consul-constants.js'
import {LockLostError, LockNotAcquiredError, UsageError} from '../src/core/errors.js'
import {type LockAndRunOptions, type LockAndRunResult, lockAndRun} from '../src/lock/run/lock-and-run.js'
import {familyShape} from '../src/lock/run/run-locked.js'
import type {Hold} from '../src/lock/types.js'
import {toGoExit} from '../src/process/go-exit.js'

const subVerbs = ['status', 'ls', 'watch', 'break', 'hold', 'assert', 'put', 'why', 'history', 'overdue', 'resize']
const programGroup = 'PROGRAM'
const compatGroup = 'AS CONSUL LOCK'
const maxRuntimeCode = 124
interface LockedCommand {
  readonly argv: [string, ...string[]]
  readonly isStdinPassed: boolean
  /** The arguments as given. */
  readonly words: readonly string[]
}

export default class Lock extends ConsulCommand<typeof Lock> {
  static override summary = 'run a command while holding a lock'
  static override exitMeanings = {
    0: 'the program succeeded, and the lock was held all the time; with --once-per also if it ran within that time',
    75: 'the lock was not acquired in time',
    76: 'the lock was lost; the program was stopped',
    78: 'the key serves another kind of lock, or another limit',
    124: '--max-runtime was reached',
    126: 'the program cannot be run',
    127: 'the program does not exist',
    '128+n': 'signal n ended the program, or baton while it waited',
    other: "the program's own exit code",
  }
  static override description =
    'Acquires the lock at PREFIX/.lock, runs the command, and releases the lock when every process that the command ' +
    'started has ended. If the lock may be lost, the command is stopped before another contender can hold it. ' +
    'Works side by side with consul lock. Without --, the arguments after PREFIX are joined and run by a shell, as there.'
  static override usage = ['lock [FLAGS] PREFIX -- PROGRAM ARG...', 'lock [FLAGS] PREFIX COMMAND...']
  static override examples = [
    '<%= config.bin %> lock jobs/backup -- ./backup.sh --full',
    '<%= config.bin %> lock --try jobs/backup -- ./backup.sh',
    '<%= config.bin %> lock -n 3 app/workers -- ./worker',
    "<%= config.bin %> lock jobs/backup './backup.sh && ./report.sh'",
  ]
  static override childForm = {ownArgs: 1}
  static override args = {
    prefix: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'prefix of the lock, whose key is PREFIX/.lock',
    }),
  }
  static override emptyFlags = ['name']
  static override flagRules = [
    {flag: 'timeout', besides: ['try'], isNativeOnly: true},
    {flag: 'shell', besides: ['--']},
    {flag: 'shell', when: 'off', besides: ['--'], warning: 'arguments after -- never run in a shell'},
    {flag: 'child-exit-code', needs: ['compat'], warning: "the exit code is always the command's own"},
    {flag: 'monitor-retry', needs: ['compat'], warning: 'failures are always retried'},
  ] as const satisfies readonly FlagRule[]
  static override flags = {
    ...acquireFlags,
    ...policyFlags,
    grace: durationFlag({
      helpGroup: programGroup,
      description: 'time between TERM and KILL for the command',
      default: '5s',
    }),
    'max-runtime': durationFlag({
      helpGroup: programGroup,
      description: 'stop the command (exit 124) after this time; 0: never',
    }),
    'pass-stdin': Flags.boolean({helpGroup: programGroup, description: 'pass stdin to the command (always with --)'}),
    shell: Flags.boolean({
      helpGroup: programGroup,
      description: 'without --: use a shell (default)',
      default: true,
      allowNo: true,
    }),
    'child-exit-code': Flags.boolean({
      helpGroup: compatGroup,
      description: 'with --compat: exit 2 if the command failed',
    }),
    'monitor-retry': Flags.integer({
      helpGroup: compatGroup,
      helpValue: 'N',
      description: 'accepted and not needed: failures are always retried',
    }),
    compat: Flags.option({
      options: ['consul'] as const,
      helpGroup: compatGroup,
      description: 'texts, streams and exit codes of consul lock',
    })(),
  }

  #waiting: WaitingLine | undefined

  protected override answerAsConsul(error: unknown): CompatAnswer {
    return toGoAnswer(error, {isChildCodeWanted: ownFlags(this.typed, Lock).includes('--child-exit-code')})
  }

  protected override get aclNeeds(): ConsulCommand['aclNeeds'] {
    return lockNeeds(this.args.prefix, this.flags.also)
  }

  async run(): Promise<number> {
    const {isCompat} = this
    const child = this.#childWords()
    const {'hook-acquired': acquired, 'hook-lost': lost, 'hook-released': released} = this.flags
    const hooks = new Hooks({
      prefix: this.args.prefix,
      commands: {acquired, lost, released},
      env: this.childEnvironment(),
      print: output => this.host.stderr.write(output),
      warn: text => this.out.warn(text),
      stop: this.stopSignal,
    })
    this.releases.use(hooks)
    const options = {
      ...this.#lockOptions(child, isCompat),
      observer: this.#reporter(isCompat, hooks, basename(child.words[0]?.split(/\s/, 1)[0] ?? '')),
      ...(acquired !== undefined && {
        beforeChild: (hold: Hold, variables: Readonly<Record<string, string>>) => hooks.acquired(hold, variables),
      }),
    }
    const client = this.openClient()
    // The Go tool first sends a request to the agent, and has a message of its own if that fails.
    if (isCompat) await client.agent.self().catch(rethrowAsAgentError)
    const result = await this.#attempt(client, options)
    if (typeof result === 'number') return result
    const {verdict, report} = result
    if (verdict.type === 'skipped') {
      const {startedAt, host} = verdict.run
      this.out.say(`${options.prefix}: not run: it ran on ${printable(host)} at ${printable(startedAt)}`)
      return 0
    }
    if (verdict.type === 'max-runtime') {
      this.out.warn(`lock ${options.prefix}: --max-runtime reached, command stopped`)
      return maxRuntimeCode
    }
    const {code} = verdict.exit
    if (!isCompat) return code
    if (code !== 0) this.host.stderr.write(`Error running handler: ${toGoExit(verdict.exit)}\n`)
    if (report?.error !== undefined) {
      this.host.stderr.write(`${toGoReleaseLine(report.error)}\n`)
      return 1
    }
    return code !== 0 && this.flags['child-exit-code'] ? 2 : 0
  }

  /**
   * Runs the command under the lock and, with --on-lost=requeue, runs it again after each loss of the lock. Resolves to
   * the exit code that -E names if the lock was not acquired.
   */
  async #attempt(client: ConsulClient, options: LockAndRunOptions): Promise<LockAndRunResult | number> {
    const {'on-lost': onLost, 'conflict-exit-code': conflictCode} = this.flags
    for (;;) {
      try {
        return await lockAndRun(client, options)
      } catch (error) {
        if (error instanceof LockNotAcquiredError && conflictCode !== undefined) {
          this.out.error(`baton: ${error.message}`)
          return conflictCode
        }
        if (onLost !== 'requeue' || !(error instanceof LockLostError) || this.stopSignal.aborted) throw error
        this.out.warn(`${error.message}: the command was stopped, and runs again when the lock is acquired again`)
      }
    }
  }

  protected override sayWaiting(text: string): void {
    this.#waiting?.end()
    if (!this.isCompat) super.sayWaiting(text)
  }

  #reporter(isCompat: boolean, hooks: Hooks, command: string): (event: AnyLockEvent) => void {
    const {verbose: isVerbose, quiet: isQuiet, events, 'metrics-file': metricsFile} = this.flags
    const {prefix} = this.args
    const waiting = new WaitingLine({stderr: this.host.stderr, line: this.statusLine, isVerbose, isQuiet})
    this.#waiting = waiting
    const facts = {...toAcquireOptions(this.flags), graceMs: this.flags.grace ?? defaultGraceMs, command}
    const warn = (text: string): void => {
      if (!isCompat) this.out.warn(`lock ${prefix}: ${text}`)
    }
    const openRecorder = (): FlightRecorder =>
      new FlightRecorder(stateDirectory(this.host.env, 'locks'), prefix, facts, warn)
    const reporter = this.releases.use(
      new LockReporter({prefix, out: this.out, waiting, events, metricsFile, openRecorder}),
    )
    return event => {
      reporter.record(event)
      hooks.handle(event)
      if (!isCompat) {
        reporter.tell(event)
        return
      }
      const line = isVerbose ? toGoLine(event) : undefined
      if (line !== undefined) this.out.line(line)
    }
  }

  /** Returns the child's arguments, and whether the child receives stdin. */
  #childWords(): LockedCommand {
    const {child} = this
    const {prefix} = this.args
    const [first] = child?.words ?? []
    if (/^\/?$/.test(prefix)) {
      throw new UsageError('lock: the prefix is empty', {
        hint: 'every command with an empty prefix would share one lock',
      })
    }
    if (!child || first === undefined || first === '') {
      throw new UsageError(`lock ${prefix}: no command to run`, {hint: `baton lock ${prefix} -- COMMAND`})
    }
    const {words} = child
    if (child.form === 'native') return {argv: [first, ...words.slice(1)], isStdinPassed: true, words}
    if (subVerbs.includes(prefix) && this.flags.compat === undefined) {
      throw new UsageError(`lock: '${prefix}' is the name of a sub-command`, {
        hint: `for a lock of that name: baton lock ${prefix} -- ${words.join(' ')}`,
      })
    }
    const shell = this.host.env.SHELL === undefined || this.host.env.SHELL === '' ? '/bin/sh' : this.host.env.SHELL
    const argv: [string, ...string[]] = this.flags.shell ? [shell, '-c', words.join(' ')] : [first, ...words.slice(1)]
    return {argv, isStdinPassed: this.flags['pass-stdin'], words}
  }

  #lockOptions(child: LockedCommand, isCompat: boolean): Omit<LockAndRunOptions, 'observer'> {
    const {flags, host} = this
    const {prefix} = this.args
    const [first = ''] = child.words
    const name =
      flags.name ?? (isCompat ? goSessionName(child.words, prefix) : `baton lock for '${first}' at '${prefix}'`)
    const maxRuntimeMs = flags['max-runtime']
    return {
      prefix,
      ...toAcquireOptions(flags, isCompat ? 'Lock holder limit must be positive' : undefined),
      timeout: longestWait(flags, ownFlags(this.typed, Lock), isCompat ? undefined : this.out),
      graceMs: flags.grace ?? defaultGraceMs,
      sessionName: name,
      command: basename(first.split(/\s/, 1)[0] ?? ''),
      ...(maxRuntimeMs !== undefined && maxRuntimeMs > 0 && {maxRuntimeMs}),
      ...toPolicy(flags),
      child: {
        argv: child.argv,
        env: this.childEnvironment(),
        stdin: child.isStdinPassed ? 'inherit' : 'ignore',
        shape: familyShape(host.isStdinTerminal),
        isMarkSearched: flags.leftover !== undefined && flags.leftover !== 'leave',
      },
      stops: this.stopSignals,
      connection: this.clientOptions(),
    }
  }
}
