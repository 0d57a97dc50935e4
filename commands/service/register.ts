import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import type {FlagRule} from '../../src/cli/flag-rules.js'
import {durationFlag} from '../../src/cli/flags.js'
import {checkHost, healthFlags, serviceFlags, toProbe, toRemoval, toService} from '../../src/cli/service/flags.js'
import type {AgentCheck} from '../../src/core/api/agent.js'
import {UsageError} from '../../src/core/errors.js'
import {registerExternal} from '../../src/service/external.js'
import type {Probe} from '../../src/service/probe.js'

export default class ServiceRegister extends ConsulCommand<typeof ServiceRegister> {
  static override summary = 'register a service with the agent, or for a host without an agent'
  static override exitMeanings = {0: 'registered'}
  static override description =
    `Registers the service once and ends; the agent runs the checks. With --node the service is written to the catalog
for a host that has no agent: nothing checks it then, unless a monitor for external services runs. A service with the
same ID is replaced.`
  static override usage = 'service register --name NAME [FLAGS]'
  static override examples = [
    '<%= config.bin %> service register --name web --port 8080 --check http:/health --interval 5s',
    '<%= config.bin %> service register --name db --port 5432 --node mainframe --node-address 10.0.0.9',
  ]
  static override enableJsonFlag = true
  static override flagRules = [
    {flag: 'ttl', besides: ['node']},
    {flag: 'check', besides: ['node']},
    {flag: 'deregister-after', besides: ['node']},
    {flag: 'interval', needs: ['check']},
    {flag: 'timeout', needs: ['check']},
    {flag: 'node-address', needs: ['node']},
    {flag: 'node', needs: ['node-address']},
  ] as const satisfies readonly FlagRule[]
  static override flags = {
    ...serviceFlags,
    ...healthFlags,
    ttl: durationFlag({
      helpGroup: 'HEALTH',
      description: 'a check that is critical until another program passes it, and again after this time',
      min: 1000,
    }),
    node: Flags.string({helpGroup: 'HOST WITHOUT AGENT', description: 'name of the host'}),
    'node-address': Flags.string({
      helpGroup: 'HOST WITHOUT AGENT',
      helpValue: 'ADDR',
      description: 'address of the host',
    }),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  protected override get aclTargets(): readonly string[] {
    return [this.flags.name]
  }

  async run(): Promise<number> {
    const {flags} = this
    const service = toService(flags)
    const {node, 'node-address': address} = flags
    if (address !== undefined) checkHost('node-address', address)
    const client = this.openClient()
    if (node !== undefined && address !== undefined) {
      await registerExternal(client, {...service, node, nodeAddress: address}, {signal: this.stopSignal})
      return this.#report(service.id, node)
    }
    const {ttl: ttlMs} = flags
    const removal = toRemoval(flags)
    if (removal.deregisterAfterMs !== undefined && ttlMs === undefined && flags.check === undefined) {
      throw new UsageError('--deregister-after: only with --check or --ttl')
    }
    const timing = {intervalMs: flags.interval ?? 0, timeoutMs: flags.timeout ?? 0}
    await client.agent.registerService(
      {
        ...service,
        checks: (flags.check ?? []).map(text => toAgentCheck(toProbe(text, service), timing)),
        state: 'critical',
        ...(ttlMs !== undefined && {ttlMs}),
        ...removal,
      },
      {signal: this.stopSignal},
    )
    return this.#report(service.id)
  }

  #report(id: string, node?: string): number {
    if (this.flags.json) this.out.json({id, ...(node !== undefined && {node}), registered: true})
    else this.out.say(`service ${id}: registered${node === undefined ? '' : ` on ${node}`}`)
    return 0
  }
}

function toAgentCheck(probe: Probe, timing: Pick<AgentCheck, 'intervalMs' | 'timeoutMs'>): AgentCheck {
  if (probe.kind === 'http') return {http: probe.url, ...timing}
  if (probe.kind === 'script') return {args: probe.argv, ...timing}
  return {tcp: `${probe.host.includes(':') ? `[${probe.host}]` : probe.host}:${probe.port}`, ...timing}
}
