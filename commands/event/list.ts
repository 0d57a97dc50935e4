import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/command/consul-command.js'
import {goJson} from '../../src/core/api/go-json.js'
import {toGoEvent} from '../../src/event/handler-io.js'
import {eventRow} from '../../src/event/text.js'

export default class EventList extends ConsulCommand<typeof EventList> {
  static override summary = "show the agent's newest 256 events, oldest first"
  static override examples = ['<%= config.bin %> event list', '<%= config.bin %> event list --name deploy --json']
  static override enableJsonFlag = true
  static override flags = {
    name: Flags.string({description: 'only events of this name'}),
    json: Flags.boolean({
      description: "print the result as JSON, each event with Consul's fields",
      helpGroup: 'COMMON',
    }),
  }

  async run(): Promise<number> {
    const {name} = this.flags
    const {value: events} = await this.openClient().event.list(name === undefined ? {} : {name})
    if (this.flags.json) this.out.line(goJson({events: events.map(toGoEvent)}, '  '))
    else this.out.raw(events.map(event => `${eventRow(event)}\n`).join(''))
    return 0
  }
}
