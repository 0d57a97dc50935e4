import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../src/cli/consul-command.js'
import type {HiddenCheck} from '../src/cli/hidden-items.js'
import {detailedTable, inOrder, memberTable} from '../src/cli/members/table.js'
import {messageOf, UsageError} from '../src/core/errors.js'
import {loadRe2, type Re2Matcher} from '../src/core/re2.js'

const noneMatches = 2

export default class Members extends ConsulCommand<typeof Members> {
  static override summary = 'list the members of the gossip pool, as the agent sees them'
  static override exitMeanings = {
    0: 'listed',
    2: 'no member is listed',
  }
  static override description =
    'Columns, order and exit codes are those of consul members. An agent that is not a server has no WAN pool: --wan then lists nothing.'
  static override examples = [
    '<%= config.bin %> members',
    '<%= config.bin %> members --wan',
    "<%= config.bin %> members --status 'failed|left' --json",
  ]
  static override enableJsonFlag = true
  static override flagRules = [{flag: 'detailed', besides: ['json']}]
  static override flags = {
    wan: Flags.boolean({description: 'list the servers of all datacenters'}),
    detailed: Flags.boolean({description: 'print all tags'}),
    status: Flags.string({description: 'list only members whose status matches this expression', helpValue: 'REGEXP'}),
    json: Flags.boolean({description: 'print the members as JSON', helpGroup: 'COMMON'}),
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    const {wan, detailed, json} = this.flags
    const isListed = await this.#statusMatcher()
    const all = await this.openClient().agent.members({wan, signal: this.stopSignal})
    const members = inOrder(all.filter(member => isListed(member.status)))
    if (json) this.out.json({members})
    else if (members.length > 0) this.out.raw(detailed ? detailedTable(members) : memberTable(members))
    if (members.length > 0) return 0
    this.out.warn('no member is listed')
    return noneMatches
  }

  async #statusMatcher(): Promise<Re2Matcher> {
    const {status} = this.flags
    if (status === undefined) return () => true
    const re2 = await loadRe2()
    try {
      return re2.compile(status)
    } catch (error) {
      throw new UsageError(`--status: not a regular expression: ${messageOf(error)}`, {cause: error})
    }
  }
}
