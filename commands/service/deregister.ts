import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {brief} from '../../src/core/brief.js'
import {UsageError} from '../../src/core/errors.js'
import {deregisterExternal, hasExternal} from '../../src/service/external.js'

export default class ServiceDeregister extends ConsulCommand<typeof ServiceDeregister> {
  static override summary = 'remove a service from its agent, or from a host without an agent'
  static override exitMeanings = {0: 'removed', 2: 'the agent has no service of this ID'}
  static override description =
    'Only the agent that a service was registered with can remove it for good: removed elsewhere, it comes back.'
  static override usage = 'service deregister ID [FLAGS]'
  static override examples = [
    '<%= config.bin %> service deregister web-8080',
    '<%= config.bin %> service deregister db-5432 --node mainframe',
  ]
  static override enableJsonFlag = true
  static override args = {id: Args.string({required: true, ignoreStdin: true, description: 'ID of the service'})}
  static override flags = {
    node: Flags.string({description: 'a host without an agent, whose service is removed from the catalog'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  protected override get aclTargets(): readonly string[] {
    return []
  }

  async run(): Promise<number> {
    const {id} = this.args
    const {node} = this.flags
    if (id === '') throw new UsageError('service deregister: the ID is empty')
    const client = this.openClient()
    const options = {signal: this.stopSignal}
    const found =
      node === undefined
        ? (await client.agent.services(options)).some(one => one.id === id)
        : await hasExternal(client, {id, node}, options)
    if (!found) {
      const place = node === undefined ? 'this agent' : node
      const text = `baton: service ${brief(id)}: not registered on ${place}`
      return this.refuse(text, {code: 'BATON_NOT_FOUND', exit: 2})
    }
    if (node === undefined) await client.agent.deregisterService(id, options)
    else await deregisterExternal(client, {id, node}, options)
    if (this.flags.json) this.out.json({id, ...(node !== undefined && {node}), removed: true})
    else this.out.say(`service ${id}: removed`)
    return 0
  }
}
