import {readFile} from 'node:fs/promises'
import {buffer} from 'node:stream/consumers'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {defined} from '../src/cli/defined.js'
import {keysDirectory} from '../src/cli/directories.js'
import {JsonOutput} from '../src/cli/exec/json-output.js'
import {printable} from '../src/cli/exec/printable.js'
import {TextOutput} from '../src/cli/exec/text-output.js'
import type {FlagRule} from '../src/cli/flag-rules.js'
import {durationFlag, sizeFlag} from '../src/cli/flags.js'
import {whyUnreadable} from '../src/cli/unreadable.js'
import {briefPath} from '../src/core/brief.js'
import {linkSignal} from '../src/core/cancel/link-signal.js'
import {CancelledError, messageOf, RefusedError, UsageError} from '../src/core/errors.js'
import {createInitiator} from '../src/exec/initiator/initiator.js'
import type {InitiatorOptions} from '../src/exec/initiator/options.js'
import {compileSelector} from '../src/exec/initiator/selector.js'
import type {ExecEvent, ExecRun, ExecSummary, ExecVerdict, JobCommand, NodeSelector} from '../src/exec/types.js'

const exitCodes: Readonly<Record<ExecVerdict, number>> = {
  ok: 0,
  failed: 2,
  incomplete: 3,
  silent: 4,
  'no-nodes': 5,
  truncated: 8,
  refused: 6,
  cancelled: 1,
}

/** Consul's tool ends after this long without a report. */
const compatQuietMs = 2000

const where = 'NODES'

export default class Exec extends ConsulCommand<typeof Exec> {
  static override summary = 'run a command on many nodes'
  static override exitMeanings = {
    0: 'the command succeeded on every node',
    1: 'a responder stopped while it ran the job, or the output is not read any more',
    2: 'the command failed on a node',
    3: 'a node took too long, or was lost',
    4: 'an expected node did not answer',
    5: 'no node matched',
    6: 'a node refused the job, or there is no key to sign it',
    8: 'some output of a node was dropped',
    '128+n': 'stopped by signal n',
  }
  static override description =
    'Runs the arguments as one line of shell on every matching node; arguments after -- run as they are, without a shell.'
  static override usage = ['exec [FLAGS] COMMAND...', 'exec [FLAGS] -- PROGRAM ARG...']
  static override examples = [
    '<%= config.bin %> exec uptime',
    "<%= config.bin %> exec --service '^web' --timeout 30s 'systemctl is-active nginx'",
    '<%= config.bin %> exec --node ^db-1$ -- /usr/bin/df -h /',
    '<%= config.bin %> exec --script ./check.sh --ndjson',
  ]
  static override childForm = {ownArgs: 0}
  static override enableJsonFlag = true
  static override emptyFlags = ['cluster']
  static override flagRules = [
    ...['via', 'ack-timeout', 'grace', 'max-output', 'key', 'keys-dir', 'unsigned', 'cluster'].map(flag => ({
      flag,
      besides: ['compat'],
    })),
    {flag: 'shell', besides: ['--']},
    {flag: 'shell', when: 'off', besides: ['--'], warning: 'arguments after -- never run in a shell'},
  ] as const satisfies readonly FlagRule[]
  static override flags = {
    node: Flags.string({description: 'nodes whose name matches', helpValue: 'RE2', helpGroup: where}),
    service: Flags.string({description: 'nodes with a service whose ID matches', helpValue: 'RE2', helpGroup: where}),
    tag: Flags.string({description: 'with --service: one of its tags matches', helpValue: 'RE2', helpGroup: where}),
    exclude: Flags.string({description: 'leave these nodes out', helpValue: 'RE2', helpGroup: where}),
    via: Flags.option({
      options: ['auto', 'native', 'rexec'] as const,
      default: 'auto' as const,
      description: 'native: responders; rexec: the agents themselves; auto: rexec only where no responder is',
      helpGroup: where,
    })(),
    timeout: durationFlag({helpGroup: 'TIME', description: 'longest time a node may take (default: no limit)', min: 1}),
    'ack-timeout': durationFlag({
      helpGroup: 'TIME',
      description: 'how long nodes may take to answer',
      default: '5s',
      min: 1,
    }),
    grace: durationFlag({
      helpGroup: 'TIME',
      description: 'time between the stop signal and the kill, on responders',
      default: '5s',
    }),
    'max-output': sizeFlag({
      helpGroup: 'OUTPUT',
      description: 'most output of a node, on responders; 0: no limit (default: 1M)',
    }),
    script: Flags.string({
      helpGroup: 'JOB',
      description: 'run this file (- is stdin) instead of a command',
      helpValue: 'FILE',
    }),
    shell: Flags.boolean({
      helpGroup: 'JOB',
      description: 'without --: run the arguments by a shell (default)',
      default: true,
      allowNo: true,
    }),
    wait: durationFlag({helpGroup: 'TIME', description: 'heartbeat of silent nodes (Consul: quiet period)', min: 1}),
    'wait-repl': durationFlag({
      helpGroup: 'TIME',
      description: 'pause before the event that starts the agents',
      default: '0',
    }),
    prefix: Flags.string({helpGroup: 'JOB', description: 'where rexec jobs live in KV', default: '_rexec'}),
    key: Flags.string({
      helpGroup: 'SIGNING',
      description: 'sign with this key, by name or path (repeatable; default: the key named default)',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'keys-dir': Flags.string({
      helpGroup: 'SIGNING',
      description: 'where your keys are (default: ~/.config/baton/keys)',
      helpValue: 'DIR',
    }),
    unsigned: Flags.boolean({
      helpGroup: 'SIGNING',
      description: 'send the job unsigned, for responders that allow it',
      exclusive: ['key'],
    }),
    cluster: Flags.string({
      helpGroup: 'SIGNING',
      description: 'cluster name of the responders (default: none)',
      default: '',
    }),
    compat: Flags.option({
      helpGroup: 'OUTPUT',
      options: ['consul'] as const,
      description: "the texts and exit codes of Consul's tool",
    })(),
    json: Flags.boolean({
      helpGroup: 'OUTPUT',
      description: 'print one JSON object at the end',
      exclusive: ['ndjson', 'compat'],
    }),
    ndjson: Flags.boolean({
      helpGroup: 'OUTPUT',
      description: 'print one JSON object for each event',
      exclusive: ['compat'],
    }),
  }

  async run(): Promise<number> {
    if (this.flags.compat === undefined) return this.#run()
    try {
      return await this.#run()
    } catch (error) {
      this.out.error(messageOf(error))
      return 1
    }
  }

  async #run(): Promise<number> {
    const selector = this.#selector()
    await compileSelector(selector)
    const command = await this.#command()
    const {timeout, wait, compat} = this.flags
    const job = {command, ...defined({timeoutMs: timeout, heartbeatMs: wait})}
    const initiator = createInitiator(this.openClient(), {
      via: compat === undefined ? this.flags.via : 'rexec',
      isUnsigned: this.flags.unsigned,
      cluster: this.flags.cluster,
      prefix: this.flags.prefix,
      ...defined({
        keys: await this.#keys(),
        ackTimeoutMs: compat === undefined ? this.flags['ack-timeout'] : (wait ?? compatQuietMs),
        killAfterMs: this.flags.grace,
        maxOutputBytes: this.flags['max-output'],
        replicationWaitMs: this.flags['wait-repl'],
      }),
    })
    using stop = linkSignal(this.stopSignal)
    // If stdout is closed (`| head -1`), no more output is wanted, so running commands are stopped.
    this.out.onClosed(() => stop.abort(new CancelledError()))
    await using run = await initiator.run(job, selector, {signal: stop.signal})
    this.stopSignals.onEach((_, count) => {
      if (count > 1) run.kill()
      else if (compat === undefined) this.out.say('exec: stopping what runs; a second signal kills it at once')
    })
    const summary = await this.#show(run)
    this.stopSignal.throwIfAborted()
    return this.#exitCode(summary)
  }

  protected override sayWaiting(text: string): void {
    if (this.flags.compat === undefined) super.sayWaiting(text)
  }

  async #show(run: ExecRun): Promise<ExecSummary> {
    const {json, ndjson, verbose, compat} = this.flags
    const text = new TextOutput({
      isVerbose: verbose,
      isCompat: compat !== undefined,
      isTerminal: this.out.isTty,
      paint: this.painterFor('stdout'),
    })
    const objects = new JsonOutput()
    for await (const event of run) {
      this.#remark(event)
      if (json) objects.collect(event)
      else if (ndjson) for (const object of objects.show(event)) this.out.json(object, {compact: true})
      else this.out.raw(text.show(event))
    }
    const summary = await run.summary
    const exitCode = this.#exitCode(summary)
    if (json) this.out.json(objects.document(run.id, summary, exitCode))
    else if (ndjson) for (const object of objects.finish(summary, exitCode)) this.out.json(object, {compact: true})
    else this.out.raw(text.finish(summary))
    if (compat === undefined) this.#explain(summary)
    return summary
  }

  #remark(event: ExecEvent): void {
    if (event.type === 'retrying') this.out.say(`exec: reading again: ${printable(event.reason)}`)
    if (event.type === 'foreign') {
      this.out.warn(
        `exec: ignored a report for ${printable(event.node)}, a node that the job does not name: ` +
          'something else writes below baton/exec/v1/run/',
      )
    }
    if (event.type !== 'targets' || event.nodes.length > 0 || event.serviceNamesMatched.length === 0) return
    const names = event.serviceNamesMatched.slice(0, 5).map(printable).join(', ')
    this.out.warn(`exec: --service matches service IDs, not names: no ID matched, but these names did: ${names}`)
  }

  /** Names the nodes that failed and why, after all other output. */
  #explain({verdict, nodes}: ExecSummary): void {
    if (verdict === 'no-nodes') {
      this.out.warn('exec: no node matched, so nothing ran (nodes that the token may not read never match)')
    }
    const cut = nodes.filter(node => node.droppedBytes !== undefined)
    if (cut.length > 0) {
      const all = cut.map(node => `${node.droppedBytes ?? 0} bytes of ${printable(node.node)}`)
      this.out.warn(`exec: output was dropped: ${all.join(', ')} (more is kept with --max-output)`)
    }
    const silent = nodes.filter(node => node.outcome.type === 'no-answer')
    if (silent.length === 0) return
    this.out.warn(`exec: no answer from ${silent.map(node => printable(node.node)).join(', ')}`)
    if (silent.some(node => node.via === 'rexec')) {
      this.out.warn(
        "exec: agents answer only with disable_remote_exec = false (Consul's default is true) and key:write on the prefix; " +
          'baton responder needs neither',
      )
    }
  }

  #exitCode(summary: ExecSummary): number {
    if (this.flags.compat === undefined) return exitCodes[summary.verdict]
    const failed = summary.nodes.some(({outcome}) => outcome.type === 'failed')
    return failed || summary.completedCount < summary.ackedCount ? 2 : 0
  }

  #selector(): NodeSelector {
    const {node, service, tag, exclude} = this.flags
    return defined({node, service, tag, exclude})
  }

  async #command(): Promise<JobCommand> {
    const words = this.child?.words ?? []
    const {script, shell} = this.flags
    if (script !== undefined) {
      if (words.length > 0) throw new UsageError('exec: both a script and a command are given')
      return {kind: 'script', script: await this.#readScript(script)}
    }
    if (words.length === 0 || (words.length === 1 && words[0] === '')) {
      throw new UsageError('Must specify a command to execute', {hint: 'for example: baton exec uptime'})
    }
    if (this.child?.form === 'native') return {kind: 'argv', argv: words}
    if (words.length === 1 && words[0] === '-') {
      if (!shell) throw new UsageError('Cannot configure -shell=false when reading from stdin')
      return {kind: 'script', script: await buffer(this.host.stdin)}
    }
    return shell ? {kind: 'shell', line: words.join(' ')} : {kind: 'argv', argv: words}
  }

  async #readScript(path: string): Promise<Buffer> {
    if (path === '-') return buffer(this.host.stdin)
    try {
      return await readFile(path)
    } catch (error) {
      throw new UsageError(`script: cannot read ${briefPath(path)}: ${whyUnreadable(error)}`, {cause: error})
    }
  }

  /**
   * Returns a function for the keys. Keys that were named are read at once, the default key only when a responder needs
   * it.
   */
  async #keys(): Promise<InitiatorOptions['keys']> {
    const directory = this.flags['keys-dir'] ?? keysDirectory(this.host.env)
    const names = this.flags.key
    if (names === undefined) {
      return async () => {
        const {readDefaultKey} = await import('../src/exec/native/key-files.js')
        const key = await readDefaultKey(directory)
        if (key) return [key]
        throw new RefusedError('exec: these nodes run responders, but there is no key to sign the job', {
          hint: "create one with: baton keys init (or reach the agents themselves: `via: 'rexec'`)",
        })
      }
    }
    const {readSigningKey} = await import('../src/exec/native/key-files.js')
    return Promise.all(names.map(name => readSigningKey(directory, name)))
  }
}
