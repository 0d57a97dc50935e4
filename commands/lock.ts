import {basename} from 'node:path'
import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {type CompatAnswer, ownFlags} from '../src/cli/base-command.js'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {EventWriter} from '../src/cli/event-writer.js'
import type {FlagRule} from '../src/cli/flag-rules.js'
import {bareDurationFlag, durationFlag} from '../src/cli/flags.js'
import {type AnyLockEvent, toEventLine, toProgress, toWarning} from '../src/cli/lock/event-lines.js'
import {goSessionName, rethrowAsAgentError, toGoAnswer, toGoLine, toGoReleaseLine} from '../src/cli/lock/go-compat.js'
import {LeaseNews} from '../src/cli/lock/lease-news.js'
import {WaitingLine} from '../src/cli/lock/waiting-line.js'
import {defaultGraceMs, serfHealth} from '../src/core/consul-constants.js'
import {UsageError} from '../src/core/errors.js'
import {systemBootTime} from '../src/core/time/boot-time.js'
import {systemClock} from '../src/core/time/clock.js'
import {type LockAndRunOptions, lockAndRun} from '../src/lock/run/lock-and-run.js'
import {familyShape} from '../src/lock/run/run-locked.js'
import {toGoExit} from '../src/process/go-exit.js'
import {defaultLockDelayMs, defaultTtlMs} from '../src/session/session.js'

const subVerbs = ['status', 'ls', 'watch', 'break', 'hold', 'assert', 'put', 'why', 'history', 'resize']
const lockGroup = 'LOCK'
const programGroup = 'PROGRAM'
const compatGroup = 'AS CONSUL LOCK'
const maxRuntimeCode = 124
/** Events that end the display of a wait, or are followed by another line. */
const waitEnders: ReadonlySet<string> = new Set(['lock.waiting', 'lock.acquired', 'lock.released', 'session.expiring'])

interface LockedCommand {
  readonly argv: [string, ...string[]]
  readonly isStdinPassed: boolean
  /** The arguments as typed. */
  readonly words: readonly string[]
}

export default class Lock extends ConsulCommand<typeof Lock> {
  static override summary = 'run a command while holding a lock'
  static override exitMeanings = {
    0: 'the program succeeded, and the lock was held all the time',
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
    limit: Flags.integer({
      char: 'n',
      helpGroup: lockGroup,
      helpValue: 'N',
      description: 'maximum number of holders',
      default: 1,
    }),
    try: bareDurationFlag({
      helpGroup: lockGroup,
      description: 'longest wait for the lock (exit 75); without a value: one attempt',
    }),
    timeout: durationFlag({
      helpGroup: lockGroup,
      description: 'longest wait for the lock (exit 75); 0: wait forever (default)',
    }),
    grace: durationFlag({
      helpGroup: programGroup,
      description: 'time between TERM and KILL for the command',
      default: '5s',
    }),
    'max-runtime': durationFlag({
      helpGroup: programGroup,
      description: 'stop the command (exit 124) after this time; 0: never',
    }),
    ttl: durationFlag({helpGroup: lockGroup, description: "the session's TTL", default: '15s'}),
    'lock-delay': durationFlag({helpGroup: lockGroup, description: "the session's lock-delay", default: '15s'}),
    fair: Flags.option({
      options: ['queue', 'off'] as const,
      default: 'queue' as const,
      helpGroup: lockGroup,
      description: 'queue: in order of arrival; off: in no order, as consul lock',
    })(),
    checks: Flags.option({
      options: ['none', 'serf'] as const,
      default: 'none' as const,
      helpGroup: lockGroup,
      description: "serf: the lock is lost if the node's health check fails",
    })(),
    'session-node': Flags.string({
      helpGroup: lockGroup,
      helpValue: 'NODE',
      description: "node of the session, instead of the agent's own, which may leave when the agent is stopped",
    }),
    name: Flags.string({helpGroup: lockGroup, description: 'name of the session'}),
    events: Flags.string({helpGroup: lockGroup, description: 'write events as lines of JSON', helpValue: 'FILE|fd:N'}),
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

  #events: EventWriter | undefined
  #news: LeaseNews | undefined
  #waiting: WaitingLine | undefined

  protected override answerAsConsul(error: unknown): CompatAnswer {
    return toGoAnswer(error, {isChildCodeWanted: ownFlags(this.typed, Lock).includes('--child-exit-code')})
  }

  async run(): Promise<number> {
    const {events} = this.flags
    const {isCompat} = this
    const options = this.#lockOptions(this.#childWords(), isCompat)
    if (events !== undefined) this.#events = this.releases.use(new EventWriter(events, 'events'))
    if (!isCompat) {
      const {verbose: isVerbose, quiet: isQuiet} = this.flags
      const waiting = new WaitingLine({stderr: this.host.stderr, line: this.statusLine, isVerbose, isQuiet})
      this.#waiting = waiting
      this.releases.defer(() => waiting.end())
    }
    const client = this.openClient()
    // The Go tool asks the agent first, and has its own message if that fails.
    if (isCompat) await client.agent.self().catch(rethrowAsAgentError)
    const {verdict, report} = await lockAndRun(client, options)
    if (verdict.type === 'max-runtime') {
      this.out.warn(`lock ${options.prefix}: --max-runtime reached, command stopped`)
      return maxRuntimeCode
    }
    const {code} = verdict.exit
    if (!isCompat) return code
    if (code !== 0) this.host.stderr.write(`Error running handler: ${toGoExit(verdict.exit)}\n`)
    if (report.error !== undefined) {
      this.host.stderr.write(`${toGoReleaseLine(report.error)}\n`)
      return 1
    }
    return code !== 0 && this.flags['child-exit-code'] ? 2 : 0
  }

  protected override sayWaiting(text: string): void {
    this.#waiting?.end()
    if (!this.isCompat) super.sayWaiting(text)
  }

  /** Returns the child's arguments, and whether it receives stdin. */
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

  #lockOptions(child: LockedCommand, isCompat: boolean): LockAndRunOptions {
    const {flags, host} = this
    const {prefix} = this.args
    if (flags.limit < 1)
      throw new UsageError(isCompat ? 'Lock holder limit must be positive' : '--limit must be positive')
    const [first = ''] = child.words
    const name =
      flags.name ?? (isCompat ? goSessionName(child.words, prefix) : `baton lock for '${first}' at '${prefix}'`)
    const maxRuntimeMs = flags['max-runtime']
    return {
      prefix,
      limit: flags.limit,
      timeout: this.#timeout(),
      ttlMs: flags.ttl ?? defaultTtlMs,
      lockDelayMs: flags['lock-delay'] ?? defaultLockDelayMs,
      fair: flags.fair,
      nodeChecks: flags.checks === 'serf' ? [serfHealth] : [],
      graceMs: flags.grace ?? defaultGraceMs,
      sessionName: name,
      command: basename(first.split(/\s/, 1)[0] ?? ''),
      ...(flags['session-node'] !== undefined && {node: flags['session-node']}),
      ...(maxRuntimeMs !== undefined && maxRuntimeMs > 0 && {maxRuntimeMs}),
      child: {
        argv: child.argv,
        env: this.childEnvironment(),
        stdin: child.isStdinPassed ? 'inherit' : 'ignore',
        shape: familyShape(host.isStdinTerminal),
      },
      stops: this.stopSignals,
      observer: event => this.#report(event, isCompat),
      connection: this.clientOptions(),
    }
  }

  /** In Consul's tool both flags set the same time: the last one counts. */
  #timeout(): number | 'once' | undefined {
    const {try: attempt, timeout} = this.flags
    const last = ownFlags(this.typed, Lock).findLast(word => /^--(?:try|timeout)=/.test(word))
    if (last === undefined || attempt === undefined || timeout === undefined) return attempt ?? timeout
    if (!this.isCompat) this.out.warn('--try and --timeout both set the longest wait: the last one counts')
    return last.startsWith('--try=') ? attempt : timeout
  }

  #report(event: AnyLockEvent, isCompat: boolean): void {
    const {prefix} = this.args
    this.#events?.line(toEventLine(event, {prefix, wallMs: systemClock.wallMs()}))
    if (isCompat) {
      const line = this.flags.verbose ? toGoLine(event) : undefined
      if (line !== undefined) this.out.line(line)
      return
    }
    if (event.type === 'lock.waiting' && event.reason === 'held') {
      const heldSinceMs = Date.parse(event.heldSince ?? '')
      const place = event.position === undefined ? '' : `, place ${event.position} in the queue`
      const text = `waiting for ${prefix}: held by ${event.holder ?? 'another session'}${place}`
      this.#waiting?.show({text, heldSinceMs: Number.isNaN(heldSinceMs) ? undefined : heldSinceMs})
      return
    }
    if (waitEnders.has(event.type)) this.#waiting?.end()
    this.#news ??= new LeaseNews({prefix, now: systemBootTime, wallMs: () => systemClock.wallMs()})
    const progress = this.#news.line(event) ?? toProgress(event, prefix)
    if (progress !== undefined) this.out.say(progress)
    const warning = toWarning(event, prefix)
    if (warning !== undefined) this.out.warn(warning)
  }
}
