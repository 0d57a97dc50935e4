import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import type {FlagRule} from '../../src/cli/flag-rules.js'
import {durationFlag} from '../../src/cli/flags.js'
import {eventText} from '../../src/cli/service/event-text.js'
import {healthFlags, serviceFlags, toProbe, toRemoval, toService} from '../../src/cli/service/flags.js'
import {UsageError} from '../../src/core/errors.js'
import {runService} from '../../src/service/run-service.js'
import type {ServiceEvent} from '../../src/service/types.js'

const programGroup = 'PROGRAM'

export default class ServiceRun extends ConsulCommand<typeof ServiceRun> {
  static override summary = 'run a program as a service with a check that follows its health'
  static override exitMeanings = {
    0: 'the program succeeded',
    126: 'the program cannot be run',
    127: 'the program does not exist',
    '128+n': 'signal n ended the program, or baton before it was started',
    other: "the program's own exit code",
  }
  static override description =
    `Registers a service with the agent, runs the program, and keeps a TTL check in the state of the program: passing
while it runs, or the worst of the given checks. The service is registered again when the agent has lost it. At INT,
TERM, HUP or QUIT the service is removed first, then the program receives the signal. If baton dies, a guardian stops
the program and removes the service.`
  static override usage = 'service run --name NAME [FLAGS] -- PROGRAM ARG...'
  static override examples = [
    '<%= config.bin %> service run --name web --port 8080 --check http:/health -- ./server --port 8080',
    '<%= config.bin %> service run --name worker --restart on-failure -- ./worker',
  ]
  static override childForm = {ownArgs: 0, needsSeparator: true}
  static override flagRules = [
    {flag: 'interval', needs: ['check']},
    {flag: 'timeout', needs: ['check']},
  ] as const satisfies readonly FlagRule[]
  static override flags = {
    ...serviceFlags,
    ...healthFlags,
    ttl: durationFlag({
      helpGroup: 'HEALTH',
      description: 'the service is critical if baton is not heard for this time',
      default: '15s',
      min: 1000,
    }),
    grace: durationFlag({
      helpGroup: programGroup,
      description: 'time between the first signal and KILL for the program',
      default: '5s',
    }),
    drain: durationFlag({
      helpGroup: programGroup,
      description: 'time between the removal of the service and the first signal',
      default: '0',
    }),
    restart: Flags.option({
      options: ['never', 'on-failure', 'always'] as const,
      default: 'never' as const,
      helpGroup: programGroup,
      description: 'when to start the program again after it has ended',
    })(),
  }

  protected override get aclTargets(): readonly string[] {
    return [this.flags.name]
  }

  async run(): Promise<number> {
    const {flags} = this
    const [file, ...words] = this.child?.words ?? []
    if (file === undefined || file === '') {
      throw new UsageError('service run: no program to run', {
        hint: `baton service run --name ${flags.name} -- PROGRAM`,
      })
    }
    const service = toService(flags)
    const exit = await runService(this.openClient(), {
      service: {...service, ttlMs: flags.ttl ?? 0, ...toRemoval(flags)},
      child: {
        argv: [file, ...words],
        env: this.childEnvironment(),
        // The program runs in a Unix session of its own, where it cannot read from the terminal.
        stdin: this.host.isStdinTerminal ? 'ignore' : 'inherit',
      },
      probes: (flags.check ?? []).map(text => toProbe(text, service)),
      intervalMs: flags.interval ?? 0,
      probeTimeoutMs: flags.timeout ?? 0,
      graceMs: flags.grace ?? 0,
      drainMs: flags.drain ?? 0,
      restart: flags.restart,
      stops: this.stopSignals,
      connection: this.clientOptions(),
      observer: event => this.#report(service.id, event),
    })
    return exit.code
  }

  protected override sayWaiting(text: string): void {
    this.out.warn(`service: ${text}`)
  }

  #report(id: string, event: ServiceEvent): void {
    const line = eventText(event)
    if (line === undefined) return
    const text = `service ${id}: ${line.text}`
    if (line.isWarning) this.out.warn(text)
    else this.out.say(text)
  }
}
