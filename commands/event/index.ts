import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {brief} from '../../src/core/brief.js'
import {ConsulError, isBatonError, UsageError} from '../../src/core/errors.js'
import {fireEvent} from '../../src/event/ring/fire.js'

export default class Event extends ConsulCommand<typeof Event> {
  static override summary = 'fire an event as consul event does'
  static override description =
    "Takes the arguments of consul event. 'baton event fire' does the same with a name as its argument, and more."
  static override exitMeanings = {
    0: 'fired',
    1: 'Consul refused the event',
  }
  static override usage = 'event --name NAME [PAYLOAD] [FLAGS]'
  static override examples = ['<%= config.bin %> event -name deploy v1.2.3']
  static override enableJsonFlag = true
  static override args = {
    payload: Args.string({ignoreStdin: true, description: 'payload, as it is: event fire also takes @FILE and -'}),
  }
  /** As in Consul's tool, an empty filter counts as not given. */
  static override emptyFlags = ['name', 'node', 'service', 'tag']
  static override flags = {
    name: Flags.string({description: 'name of the event'}),
    node: Flags.string({description: 'only agents whose node name matches (RE2)'}),
    service: Flags.string({description: 'only agents with a service whose ID matches (RE2)'}),
    tag: Flags.string({description: 'only agents whose matching service has a tag that matches (RE2)'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  protected override get aclTargets(): readonly string[] {
    return [this.flags.name ?? '']
  }

  async run(): Promise<number> {
    const {name = '', node, service, tag} = this.flags
    const {payload: word} = this.args
    if (this.flags.name === undefined && word !== undefined) {
      throw new UsageError(`unknown command 'event ${brief(word)}'`, {
        hint: "see 'baton help event'; to fire: baton event -name NAME",
      })
    }
    try {
      const {event} = await fireEvent(this.openClient(), name, {
        payload: Buffer.from(this.args.payload ?? ''),
        ...(node !== undefined && node !== '' && {node}),
        ...(service !== undefined && service !== '' && {service}),
        ...(tag !== undefined && tag !== '' && {tag}),
      })
      if (this.flags.json) this.out.json({id: event.id})
      else this.out.line(`Event ID: ${event.id}`)
      return 0
    } catch (error) {
      if (isBatonError(error, 'BATON_USAGE')) return this.refuse(error.message, {code: 'BATON_USAGE', exit: 64})
      if (!(error instanceof ConsulError) || error.code !== 'BATON_HTTP') throw error
      const text = `Error firing event: Unexpected response code: ${error.status} (${error.text})`
      return this.refuse(text, {code: 'BATON_HTTP', exit: 1})
    }
  }
}
