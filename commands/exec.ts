import {resolve} from 'node:path'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {defined} from '../src/cli/defined.js'
import {keysDirectory, knownRespondersFile, stateDirectory} from '../src/cli/directories.js'
import {execFlags, execRules} from '../src/cli/exec/flags.js'
import {FoldedOutput} from '../src/cli/exec/folded-output.js'
import {commandText, flagsAmongWords, readJobCommand} from '../src/cli/exec/job-command.js'
import {JsonOutput} from '../src/cli/exec/json-output.js'
import {LiveLine} from '../src/cli/exec/live-line.js'
import {NodeFiles} from '../src/cli/exec/node-files.js'
import {readNodeLists} from '../src/cli/exec/node-lists.js'
import {nodesText} from '../src/cli/exec/nodes-text.js'
import {printable} from '../src/cli/exec/printable.js'
import {toRollout} from '../src/cli/exec/rollout-flags.js'
import {nodesOf, type RunRecord, readRun} from '../src/cli/exec/run-records.js'
import {TextOutput} from '../src/cli/exec/text-output.js'
import {consulFlags} from '../src/cli/flags.js'
import {linkSignal} from '../src/core/cancel/link-signal.js'
import type {ConsulClient} from '../src/core/client.js'
import {CancelledError, messageOf, RefusedError} from '../src/core/errors.js'
import {createInitiator} from '../src/exec/initiator/initiator.js'
import type {InitiatorOptions} from '../src/exec/initiator/options.js'
import {compileSelector} from '../src/exec/initiator/selector.js'
import {foldNodes} from '../src/exec/node-set.js'
import type {
  ExecEvent,
  ExecInitiator,
  ExecRun,
  ExecSummary,
  ExecVerdict,
  JobCommand,
  NodeSelector,
  RolloutOptions,
} from '../src/exec/types.js'

const exitCodes: Readonly<Record<ExecVerdict, number>> = {
  ok: 0,
  failed: 2,
  incomplete: 3,
  silent: 4,
  'no-nodes': 5,
  truncated: 8,
  refused: 6,
  cancelled: 1,
  stopped: 7,
}

/**
 * TTL of the session that holds a place in a semaphore. It is longer than responders may run on after an initiator was
 * killed, which is at most a minute and the grace.
 */
const slotTtlMs = 180_000

/** Consul's tool ends after this long without a report. */
const compatQuietMs = 2000

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
    7: 'too many nodes failed, or a service did not become healthy: the rest of the nodes was left out',
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
    '<%= config.bin %> exec --nodes web[1-40] --batch 1,25% --until-healthy web systemctl restart web',
  ]
  static override childForm = {ownArgs: 0}
  static override enableJsonFlag = true
  static override emptyFlags = ['cluster']
  static override flagRules = execRules
  static override flags = execFlags

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
    const earlier = this.flags.rerun && (await readRun(this.#records, this.flags.of))
    const selector = await this.#selector(earlier)
    await compileSelector(selector)
    if (this.flags.list) return this.#list(await this.#initiator(), selector)
    const command = await this.#command(earlier)
    this.#remarkLateFlags()
    const {timeout, wait, compat, 'dry-run': isDryRun} = this.flags
    const job = {command, ...defined({timeoutMs: timeout, heartbeatMs: wait})}
    const client = this.openClient()
    const initiator = await this.#initiator(client)
    using stop = linkSignal(this.stopSignal)
    // If stdout is closed (`| head -1`), no more output is wanted, so running commands are stopped.
    this.out.onClosed(() => stop.abort(new CancelledError()))
    const {'output-dir': directory} = this.flags
    using files = directory === undefined || isDryRun ? undefined : new NodeFiles(directory)
    const rollout = toRollout(this.flags, this.#slots(client))
    await using run = await initiator.run(job, selector, {signal: stop.signal, isDryRun, ...rollout})
    this.stopSignals.onEach((_, count) => {
      if (count > 1) run.kill()
      else if (compat === undefined) this.out.say('exec: stopping what runs; a second signal kills it at once')
    })
    if (isDryRun && !this.jsonEnabled() && !this.flags.ndjson) this.out.line(`would run ${commandText(command)}`)
    const summary = await this.#show(run, files)
    files?.finish(run.id, command, summary)
    if (compat === undefined && !isDryRun) await this.#keep(run.id, {command, summary})
    this.stopSignal.throwIfAborted()
    return this.#exitCode(summary)
  }

  async #initiator(client = this.openClient()): Promise<ExecInitiator> {
    const {compat, wait} = this.flags
    return createInitiator(client, {
      via: compat === undefined ? this.flags.via : 'rexec',
      isUnsigned: this.flags.unsigned,
      cluster: this.flags.cluster,
      prefix: this.flags.prefix,
      isListOnly: this.flags.pin === 'list',
      mustBeSigned: this.flags['require-signed'],
      ...defined({
        keys: await this.#keys(),
        knownRespondersFile: this.#knownFile(),
        ackTimeoutMs: compat === undefined ? this.flags['ack-timeout'] : (wait ?? compatQuietMs),
        killAfterMs: this.flags.grace,
        maxOutputBytes: this.flags['max-output'],
        replicationWaitMs: this.flags['wait-repl'],
      }),
    })
  }

  #knownFile(): string | undefined {
    const {pin, 'known-responders': file} = this.flags
    return pin === 'off' ? undefined : resolve(file ?? knownRespondersFile(this.host.env))
  }

  /** Returns a function that takes one place of a semaphore for each node. */
  #slots(client: ConsulClient): RolloutOptions['openSlot'] {
    const {lock: prefix, limit} = this.flags
    if (prefix === undefined || limit === undefined) return undefined
    return async signal => {
      const {createSemaphore} = await import('../src/lock/semaphore.js')
      return createSemaphore(client, {prefix, limit, ttlMs: slotTtlMs, sessionName: 'baton exec'}).acquire({signal})
    }
  }

  get #records(): string {
    return stateDirectory(this.host.env, 'exec')
  }

  /** Without the record of a run, only `--rerun` does not work. */
  async #keep(id: string, run: {readonly command: JobCommand; readonly summary: ExecSummary}): Promise<void> {
    if (id === '') return
    const {keepRun} = await import('../src/cli/exec/run-records.js')
    await keepRun(this.#records, id, run).catch((error: unknown) => {
      this.out.say(`exec: this run cannot be repeated with --rerun: ${messageOf(error)}`)
    })
  }

  async #list(initiator: ExecInitiator, selector: NodeSelector): Promise<number> {
    const found = await initiator.findNodes(selector, {signal: this.stopSignal})
    const {json, ndjson} = this.flags
    this.#remark({type: 'targets', ...found})
    if (json) this.out.json({nodes: found.nodes})
    else if (ndjson) this.out.json({type: 'targets', ...found}, {compact: true})
    else this.out.raw(nodesText(found))
    return found.nodes.length === 0 ? exitCodes['no-nodes'] : 0
  }

  /** Without `--`, flags after the command belong to it, as in Consul's tool. */
  #remarkLateFlags(): void {
    const own = new Set([...Object.keys(execFlags), ...Object.keys(consulFlags)])
    const late = flagsAmongWords(this.child, own)
    if (late.length === 0 || this.flags.compat !== undefined) return
    this.out.say(`exec: ${late.map(printable).join(' ')} after the command is part of it; flags of exec come first`)
  }

  protected override sayWaiting(text: string): void {
    if (this.flags.compat === undefined) super.sayWaiting(text)
  }

  async #show(run: ExecRun, files: NodeFiles | undefined): Promise<ExecSummary> {
    const {json, ndjson, verbose, compat, batch} = this.flags
    const text = this.#text()
    const objects = new JsonOutput()
    using live = this.#live()
    for await (const event of run) {
      files?.take(event)
      live?.take(event)
      this.#remark(event)
      if (json) objects.collect(event)
      else if (ndjson) for (const object of objects.show(event)) this.out.json(object, {compact: true})
      else if (event.type !== 'batch' || verbose || batch !== undefined) this.out.raw(text.show(event))
    }
    const summary = await run.summary
    live?.[Symbol.dispose]()
    const exitCode = this.#exitCode(summary)
    if (json) this.out.json(objects.document(run.id, summary, exitCode))
    else if (ndjson) for (const object of objects.finish(summary, exitCode)) this.out.json(object, {compact: true})
    else this.out.raw(text.finish(summary))
    if (compat === undefined) this.#explain(summary)
    return summary
  }

  #text(): Pick<TextOutput, 'show' | 'finish'> {
    const {fold, diff, verbose, compat} = this.flags
    const how = {isVerbose: verbose, isTerminal: this.out.isTty, paint: this.painterFor('stdout')}
    return fold ? new FoldedOutput({...how, isDiff: diff}) : new TextOutput({...how, isCompat: compat !== undefined})
  }

  #live(): LiveLine | undefined {
    const {quiet, compat} = this.flags
    return quiet || compat !== undefined ? undefined : new LiveLine({stderr: this.host.stderr, line: this.statusLine})
  }

  #remark(event: ExecEvent): void {
    if (event.type === 'retrying') this.out.say(`exec: reading again: ${printable(event.reason)}`)
    if (event.type === 'foreign') {
      this.out.warn(
        `exec: ignored a report for ${printable(event.node)}, a node that the job does not name: ` +
          'something else writes below baton/exec/v1/run/',
      )
    }
    if (event.type === 'forged') {
      this.out.warn(
        `exec: ignored an answer of ${printable(event.node)} that its responder did not sign: ` +
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
    const unsigned = nodes.filter(({via, isAcked, isSigned}) => via === 'native' && isAcked && !isSigned)
    if (unsigned.length > 0) {
      const names = foldNodes(unsigned.map(({node}) => printable(node)))
      this.out.warn(`exec: not signed, so that others may have written them: the answers of ${names}`)
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

  async #selector(earlier: RunRecord | undefined): Promise<NodeSelector> {
    const {node, service, tag, exclude, health, rerun} = this.flags
    const stdin = (): NodeJS.ReadableStream => this.host.stdin
    const read = (flag: 'nodes' | 'exclude-nodes'): Promise<readonly string[]> | undefined =>
      this.flags[flag] && readNodeLists(this.flags[flag], {flag, stdin})
    const [listed, excludedNames] = [await read('nodes'), await read('exclude-nodes')]
    const again = earlier && rerun && nodesOf(earlier, rerun)
    const names = again && listed ? again.filter(name => listed.includes(name)) : (again ?? listed)
    return defined({node, names, service, tag, exclude, excludedNames, health})
  }

  async #command(earlier: RunRecord | undefined): Promise<JobCommand> {
    const {script, shell} = this.flags
    if (earlier && script === undefined && (this.child?.words ?? []).length === 0) return earlier.command
    return readJobCommand({child: this.child, script, shell, stdin: () => this.host.stdin})
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
    return Promise.all(names.map(name => readSigningKey(directory, name, this.host.env['SSH_AUTH_SOCK'])))
  }
}
