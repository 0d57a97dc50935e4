import {ConsulCommand} from '../src/cli/consul-command.js'
import {defined} from '../src/cli/defined.js'
import {stateDirectory} from '../src/cli/directories.js'
import {exitCodeOf, exitCodes} from '../src/cli/exec/exit-code.js'
import {execFlags, execRules} from '../src/cli/exec/flags.js'
import {commandText, flagsAmongWords, readJobCommand} from '../src/cli/exec/job-command.js'
import {NodeFiles} from '../src/cli/exec/node-files.js'
import {readNodeLists} from '../src/cli/exec/node-lists.js'
import {nodesText} from '../src/cli/exec/nodes-text.js'
import {printable} from '../src/cli/exec/printable.js'
import {toRollout} from '../src/cli/exec/rollout-flags.js'
import {nodesOf, type RunRecord, readRun} from '../src/cli/exec/run-records.js'
import {RunView} from '../src/cli/exec/run-view.js'
import {knownFile, readKeys} from '../src/cli/exec/signing.js'
import {consulFlags} from '../src/cli/flags.js'
import type {HiddenCheck} from '../src/cli/hidden-items.js'
import {linkSignal} from '../src/core/cancel/link-signal.js'
import type {ConsulClient} from '../src/core/client.js'
import {CancelledError, messageOf} from '../src/core/errors.js'
import {systemClock} from '../src/core/time/clock.js'
import {createInitiator} from '../src/exec/initiator/initiator.js'
import {compileSelector} from '../src/exec/initiator/selector.js'
import type {ExecInitiator} from '../src/exec/initiator-types.js'
import type {ExecSummary, JobCommand, JobSpec, NodeSelector, RolloutOptions} from '../src/exec/types.js'

/**
 * TTL of the session that holds a slot of the semaphore given by --lock. It exceeds the time for which responders keep
 * running a command after its initiator was killed: at most a minute plus the grace period.
 */
const slotTtlMs = 180_000

/** Consul's tool exits when it has received no report for this time. */
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
    '<%= config.bin %> exec --detach --timeout 30m ./backup.sh',
    '<%= config.bin %> exec --nodes web[1-40] --batch 1,25% --until-healthy web systemctl restart web',
  ]
  static override childForm = {ownArgs: 0}
  static override enableJsonFlag = true
  static override emptyFlags = ['cluster']
  static override flagRules = execRules
  static override flags = execFlags

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
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
    if (this.flags.detach) return this.#detach(initiator, job, selector)
    if (this.flags.prepare !== undefined) return this.#prepare(initiator, job, selector, this.flags.prepare)
    using stop = linkSignal(this.stopSignal)
    // If stdout is closed (`| head -1`), the user wants no more output, so running commands are stopped.
    this.out.onClosed(() => stop.abort(new CancelledError()))
    const {'output-dir': directory} = this.flags
    using files = directory === undefined || isDryRun ? undefined : new NodeFiles(directory)
    const view = this.#view()
    const rollout = toRollout(this.flags, this.#slots(client))
    await using run = await initiator.run(job, selector, {signal: stop.signal, isDryRun, ...rollout})
    this.stopSignals.onEach((_, count) => {
      if (count > 1) run.kill()
      else if (compat === undefined) this.out.say('exec: stopping what runs; a second signal kills it at once')
    })
    if (isDryRun && !this.jsonEnabled() && !this.flags.ndjson) this.out.line(`would run ${commandText(command)}`)
    const summary = await view.show(run, {files})
    files?.finish(run.id, command, summary)
    if (compat === undefined && !isDryRun) await this.#keep(run.id, {command, summary})
    this.stopSignal.throwIfAborted()
    return exitCodeOf(summary, compat)
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
        keys: await readKeys(this.flags, this.host.env),
        knownRespondersFile: knownFile(this.flags, this.host.env),
        ackTimeoutMs: compat === undefined ? this.flags['ack-timeout'] : (wait ?? compatQuietMs),
        killAfterMs: this.flags.grace,
        maxOutputBytes: this.flags['max-output'],
        replicationWaitMs: this.flags['wait-repl'],
      }),
    })
  }

  /**
   * Returns a function that acquires one slot of the semaphore, which a node needs before it runs the command. Returns
   * undefined unless --lock and --limit are given.
   */
  #slots(client: ConsulClient): RolloutOptions['openSlot'] {
    const {lock: prefix, limit} = this.flags
    if (prefix === undefined || limit === undefined) return undefined
    return async signal => {
      const {createSemaphore} = await import('../src/lock/semaphore.js')
      return createSemaphore(client, {prefix, limit, ttlMs: slotTtlMs, sessionName: 'baton exec'}).acquire({signal})
    }
  }

  async #detach(initiator: ExecInitiator, job: JobSpec, selector: NodeSelector): Promise<number> {
    const {keep, window} = this.flags
    const times = defined({keepMs: keep, windowMs: window})
    const detached = await initiator.detach(job, selector, {signal: this.stopSignal, ...times})
    const {reportDetached} = await import('../src/cli/exec/detach.js')
    return reportDetached(detached, {out: this.out, isJson: this.flags.json, nowMs: systemClock.wallMs()})
  }

  async #prepare(initiator: ExecInitiator, job: JobSpec, selector: NodeSelector, path: string): Promise<number> {
    const {keep, window, json: isJson} = this.flags
    const options = {signal: this.stopSignal, ...defined({keepMs: keep, windowMs: window})}
    const prepared = await initiator.prepare(job, selector, options)
    const {reportPrepared} = await import('../src/cli/exec/prepare.js')
    return reportPrepared(prepared, {path, out: this.out, isJson})
  }

  #view(): RunView {
    const {out, host, statusLine, flags} = this
    return new RunView({out, host, statusLine, flags, paint: this.painterFor('stdout')})
  }

  get #records(): string {
    return stateDirectory(this.host.env, 'exec')
  }

  /**
   * Stores the record of a run for a later `--rerun`. If that fails, it only warns, because the run itself is not
   * affected.
   */
  async #keep(id: string, run: {readonly command: JobCommand; readonly summary: ExecSummary}): Promise<void> {
    if (id === '') return
    const {keepRun} = await import('../src/cli/exec/run-records.js')
    await keepRun(this.#records, id, run).catch((error: unknown) => {
      this.out.warn(`exec: this run cannot be repeated with --rerun: ${messageOf(error)}`)
    })
  }

  async #list(initiator: ExecInitiator, selector: NodeSelector): Promise<number> {
    const found = await initiator.findNodes(selector, {signal: this.stopSignal})
    const {json, ndjson} = this.flags
    this.#view().remark({type: 'targets', ...found})
    if (json) this.out.json({nodes: found.nodes})
    else if (ndjson) this.out.json({type: 'targets', ...found}, {compact: true})
    else this.out.raw(nodesText(found))
    return found.nodes.length === 0 ? exitCodes['no-nodes'] : 0
  }

  /**
   * Warns about flags of exec that were typed after the command: without `--`, they belong to the command, as in
   * Consul's tool.
   */
  #remarkLateFlags(): void {
    const own = new Set([...Object.keys(execFlags), ...Object.keys(consulFlags)])
    const late = flagsAmongWords(this.child, own)
    if (late.length === 0 || this.flags.compat !== undefined) return
    this.out.say(`exec: ${late.map(printable).join(' ')} after the command is part of it; flags of exec come first`)
  }

  protected override sayWaiting(text: string): void {
    if (this.flags.compat === undefined) super.sayWaiting(text)
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
}
