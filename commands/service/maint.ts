import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import type {FlagRule} from '../../src/cli/flag-rules.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {brief} from '../../src/core/brief.js'
import {UsageError} from '../../src/core/errors.js'

export default class ServiceMaint extends ConsulCommand<typeof ServiceMaint> {
  static override summary = 'put a service, or the whole node, into maintenance, and back'
  static override exitMeanings = {
    0: 'done, also if nothing had to change',
    2: 'the agent has no service of this ID',
  }
  static override description =
    'In maintenance a service is critical, whatever its checks say. Without an ID the whole node of the agent is.'
  static override usage = 'service maint [ID] --on|--off [FLAGS]'
  static override examples = [
    "<%= config.bin %> service maint web-8080 --on --reason 'new disks'",
    '<%= config.bin %> service maint --off',
  ]
  static override enableJsonFlag = true
  static override args = {id: Args.string({ignoreStdin: true, description: 'ID of the service (default: the node)'})}
  static override flagRules = [
    {flag: 'on', besides: ['off']},
    {flag: 'reason', needs: ['on']},
  ] as const satisfies readonly FlagRule[]
  static override flags = {
    on: Flags.boolean({description: 'begin the maintenance'}),
    off: Flags.boolean({description: 'end the maintenance'}),
    reason: Flags.string({description: 'why, for people'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  protected override get aclTargets(): readonly string[] {
    return []
  }

  async run(): Promise<number> {
    const {on, off, reason} = this.flags
    const {id} = this.args
    if (id === '') throw new UsageError('service maint: the ID is empty', {hint: 'without an ID, it is the whole node'})
    if (on === off) throw new UsageError('service maint: give --on or --off')
    const {agent} = this.openClient()
    const options = {signal: this.stopSignal}
    if (id !== undefined && !(await agent.services(options)).some(one => one.id === id)) {
      const text = `baton: service ${brief(id)}: not registered on this agent`
      return this.refuse(text, {code: 'BATON_NOT_FOUND', exit: 2})
    }
    const place = {...options, ...(id !== undefined && {service: id})}
    if (on) await agent.startMaintenance({...place, ...(reason !== undefined && {reason})})
    else await agent.endMaintenance(place)
    if (this.flags.json) this.out.json({...(id !== undefined && {id}), maintenance: !off})
    else this.out.say(`${id === undefined ? 'node' : `service ${id}`}: maintenance ${on ? 'on' : 'off'}`)
    return 0
  }
}
