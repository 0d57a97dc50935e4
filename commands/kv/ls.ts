import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {UsageError} from '../../src/core/errors.js'

export default class KvLs extends ConsulCommand<typeof KvLs> {
  static override summary = 'list the names under a prefix'
  static override description =
    'Prints the names of keys, cut after the next separator, as ls shows files and folders. --recurse prints whole names.'
  static override exitMeanings = {
    0: 'printed, also if there are none',
  }
  static override examples = ['<%= config.bin %> kv ls', '<%= config.bin %> kv ls --recurse app/']
  static override enableJsonFlag = true
  static override args = {prefix: Args.string({ignoreStdin: true, description: 'prefix of the names'})}
  static override emptyFlags = ['separator']
  static override flags = {
    recurse: Flags.boolean({description: 'whole names, not cut after the separator'}),
    separator: Flags.string({description: 'cut names after this', default: '/'}),
    json: Flags.boolean({description: 'print the names as JSON', helpGroup: 'COMMON'}),
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    if (this.flags.recurse && this.sources.get('separator') === 'flag') {
      throw new UsageError('--separator: contradicts --recurse', {hint: 'leave one of them out'})
    }
    const prefix = (this.args.prefix ?? '').replace(/^\//, '')
    const separator = this.flags.recurse ? '' : this.flags.separator
    const {value: names} = await this.openClient().kv.keys(prefix, {separator})
    if (this.flags.json) this.out.json({keys: names})
    else if (names.length === 0) this.out.say('no keys')
    else this.out.raw(names.map(name => `${name}\n`).join(''))
    return 0
  }
}
