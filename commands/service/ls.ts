import {ConsulCommand} from '../../src/cli/consul-command.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {serviceTable} from '../../src/cli/service/table.js'
import {listServices} from '../../src/service/list.js'

export default class ServiceLs extends ConsulCommand<typeof ServiceLs> {
  static override summary = "list the agent's services with the state of their checks"
  static override exitMeanings = {0: 'listed, also if there are none'}
  static override description =
    'Lists ID, address, state and tags of each service, and what the failing check printed. The state of a service is the worst of its checks and those of its node.'
  static override usage = 'service ls [FLAGS]'
  static override examples = ['<%= config.bin %> service ls', '<%= config.bin %> service ls --json']
  static override enableJsonFlag = true

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    const services = await listServices(this.openClient(), {signal: this.stopSignal})
    if (this.jsonEnabled()) this.out.json({services})
    else if (services.length > 0) this.out.raw(serviceTable(services))
    else this.out.say('the agent has no services')
    return 0
  }
}
