import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {durationFlag} from '../src/cli/flags.js'
import {readSpecs, signalNamed, toQuiet} from '../src/cli/template/specs.js'
import {linkSignal} from '../src/core/cancel/link-signal.js'
import {messageOf, UsageError} from '../src/core/errors.js'
import {systemClock} from '../src/core/time/clock.js'
import {HandlerError, runHandlerToSuccess} from '../src/process/handler.js'
import {runTemplates, type TemplateEvent} from '../src/template/run.js'
import {Supervisor} from '../src/template/supervisor.js'

const commandTimeoutMs = 30_000

export default class TemplateCommand extends ConsulCommand<typeof TemplateCommand> {
  static override summary = 'write files from templates that follow keys and services'
  static override exitMeanings = {
    0: 'rendered with --once, or stopped by a signal',
    1: 'with --once: something that a template needs was missing at --timeout',
    6: 'a file cannot be written',
    64: 'wrong flags, or a template is wrong',
    124: 'with --once: a command was stopped after 30 seconds',
    126: 'the child cannot be run',
    127: 'the child does not exist',
    '128+n': 'with --once: stopped by signal n',
    other: "exit code of the child, or with --once of a template's command",
  }
  static override description = `Templates are written in Go's template language, with the functions of consul-template.
A file is written only when everything in its template is known, and only when its text changes; then the COMMAND
runs by a shell. A child after -- starts when all files are there. When one changes, the child gets --reload-signal,
or is stopped and started again.`
  static override usage = ['template IN:OUT[:COMMAND]... [FLAGS] [-- CHILD ARG...]']
  static override examples = [
    '<%= config.bin %> template nginx.ctmpl:nginx.conf --once',
    "<%= config.bin %> template 'a.ctmpl:a.conf:nginx -s reload'",
    '<%= config.bin %> template nginx.ctmpl:nginx.conf --reload-signal HUP -- nginx -c nginx.conf',
    '<%= config.bin %> template nginx.ctmpl --dry --once',
  ]
  static override strict = false
  static override childForm = {ownArgs: 1, nativeOnly: true}
  static override flagRules = [
    {flag: 'timeout', needs: ['once']},
    {flag: 'wait', besides: ['once', 'dry']},
    {flag: 'reload-signal', needs: ['--', 'exec']},
    {flag: 'grace', needs: ['--', 'exec']},
    {flag: 'exec', besides: ['--', 'dry']},
  ]
  static override flags = {
    template: Flags.string({
      description: 'a template, as an argument says it (repeatable)',
      helpValue: 'IN:OUT[:COMMAND]',
      multiple: true,
      multipleNonGreedy: true,
    }),
    once: Flags.boolean({description: 'stop when every file is written'}),
    dry: Flags.boolean({description: 'print the texts; write no file and run no command'}),
    timeout: durationFlag({description: 'with --once: longest wait for what a template needs'}),
    wait: Flags.string({
      description: 'write when nothing changed for MIN, at the latest after MAX (4 times MIN)',
      helpValue: 'MIN[:MAX]',
    }),
    exec: Flags.string({description: 'a child as one line for the shell', helpValue: 'COMMAND'}),
    'reload-signal': Flags.string({description: 'send this to the child when a file has changed', helpValue: 'NAME'}),
    grace: durationFlag({description: 'time between TERM and KILL for the child', default: '30s'}),
    'error-on-missing-key': Flags.boolean({description: 'end with an error when a map has no entry of a name'}),
  }

  static override exitCodeFor(error: unknown): number | undefined {
    return error instanceof HandlerError ? error.exitCode : undefined
  }

  async run(): Promise<number> {
    const specs = await readSpecs([...(this.flags.template ?? []), ...this.words], {
      isDry: this.flags.dry,
      errorOnMissingKey: this.flags['error-on-missing-key'],
    })
    const supervisor = this.#supervisor()
    using stop = linkSignal(this.stopSignal)
    let childExit: number | undefined
    void supervisor?.ended.then(({code}) => {
      childExit = code
      stop.abort(undefined)
    })
    try {
      await this.#render(specs, stop.signal, supervisor)
      if (this.flags.once && supervisor !== undefined && !stop.signal.aborted) {
        await new Promise<void>(resolve => stop.signal.addEventListener('abort', () => resolve(), {once: true}))
      }
    } finally {
      await supervisor?.[Symbol.asyncDispose]()
    }
    if (childExit !== undefined) return childExit
    if (this.flags.once && supervisor === undefined) this.stopSignal.throwIfAborted()
    return 0
  }

  async #render(
    specs: Awaited<ReturnType<typeof readSpecs>>,
    signal: AbortSignal,
    supervisor: Supervisor | undefined,
  ): Promise<void> {
    const {once, dry, timeout, wait} = this.flags
    const quiet = toQuiet(wait)
    await runTemplates(this.openClient(), specs, {
      signal,
      env: this.host.env,
      once,
      dry,
      ...(timeout !== undefined && {timeoutMs: timeout}),
      ...(quiet && {quiet}),
      onEvent: event => this.#report(event),
      onCommand: command => this.#runCommand(command, signal),
      ...(supervisor && {onReady: () => supervisor.start(), onWritten: () => supervisor.change()}),
    })
  }

  #supervisor(): Supervisor | undefined {
    const {exec, grace} = this.flags
    const [file, ...words] = this.child?.words ?? (exec === undefined ? [] : ['/bin/sh', '-c', exec])
    if (file === undefined) return undefined
    if (this.flags.dry) throw new UsageError('--dry: does not go with a child')
    const reloadSignal = signalNamed(this.flags['reload-signal'])
    return new Supervisor({
      argv: [file, ...words],
      env: this.#childEnv(),
      graceMs: grace ?? commandTimeoutMs,
      clock: systemClock,
      ...(reloadSignal !== undefined && {reloadSignal}),
    })
  }

  #childEnv(): Readonly<Record<string, string>> {
    const {env} = this.host
    return Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    )
  }

  async #runCommand(command: string, signal: AbortSignal): Promise<void> {
    const clock = systemClock
    try {
      await runHandlerToSuccess({
        argv: ['/bin/sh', '-c', command],
        env: this.#childEnv(),
        input: new Uint8Array(),
        clock,
        signal,
        timeoutMs: commandTimeoutMs,
      })
    } catch (error) {
      if (this.flags.once || signal.aborted) throw error
      this.out.error(`baton: the command of a template failed: ${command}: ${messageOf(error)}`)
    }
  }

  #report(event: TemplateEvent): void {
    const {name, destination} = event.template
    if (event.type === 'rendered') {
      if (!this.flags.dry) return
      this.out.raw(`> ${destination ?? ''}\n`)
      this.out.raw(event.bytes)
    } else if (event.type === 'written') this.out.say(`wrote ${event.destination}`)
    else if (event.type === 'failed') this.out.error(`baton: ${event.error.message}`)
    else {
      // What has not been answered yet is reported when Consul does not answer for a while.
      const stuck = event.missing.filter(({why}) => why !== 'no answer yet').map(part => `${part.name}: ${part.why}`)
      if (stuck.length > 0) this.out.warn(`${name}: waits for ${stuck.join(', ')}`)
    }
  }

  protected override sayWaiting(text: string): void {
    this.out.warn(text)
  }
}
