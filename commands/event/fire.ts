import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/command/consul-command.js'
import {readDataArgument} from '../../src/command/data-argument.js'
import {durationFlag} from '../../src/command/flags.js'
import {fireEvent} from '../../src/event/fire.js'

export default class EventFire extends ConsulCommand<typeof EventFire> {
  static override summary = 'tell all agents of a datacenter something'
  static override description =
    'Events travel by gossip: fast, to every agent, without any answer. Name, filters and payload share 512 bytes; ' +
    'what does not fit is refused before it is sent.'
  static override examples = [
    '<%= config.bin %> event fire deploy v1.2.3',
    '<%= config.bin %> event fire deploy @plan.json --spill',
    '<%= config.bin %> event fire restart --service "^web-" --tag blue',
  ]
  static override enableJsonFlag = true
  static override args = {
    name: Args.string({required: true, ignoreStdin: true, description: 'name of the event'}),
    payload: Args.string({ignoreStdin: true, description: 'payload; @FILE for a file, - for stdin'}),
  }
  static override flags = {
    node: Flags.string({description: 'only agents whose node name matches (RE2)'}),
    service: Flags.string({description: 'only agents with a service whose ID matches (RE2)'}),
    tag: Flags.string({description: 'only agents whose matching service has a tag that matches (RE2)'}),
    spill: Flags.boolean({description: 'put a payload that is too large into KV and send a pointer to it'}),
    'spill-ttl': durationFlag({description: 'how long a spilled payload stays at least', default: '1h', min: 10_000}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const {node, service, tag, spill} = this.flags
    const payload = await readDataArgument(this.args.payload ?? '', this.host.stdin)
    const fired = await fireEvent(this.openClient(), this.args.name, {
      payload,
      ...(node !== undefined && {node}),
      ...(service !== undefined && {service}),
      ...(tag !== undefined && {tag}),
      ...(spill && {spillTtlMs: this.flags['spill-ttl'] ?? 3_600_000}),
    })
    if (this.flags.json) this.out.json({id: fired.event.id, spilled: fired.spilled, bytesLeft: fired.left})
    else this.out.line(`Event ID: ${fired.event.id}`)
    this.out.say(fired.spilled ? `payload of ${payload.length} bytes put into KV` : `${fired.left} bytes left`)
    return 0
  }
}
