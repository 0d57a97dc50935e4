import * as Args from '@oclif/core/args'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {exportText} from '../../src/kv/exchange.js'

export default class KvExport extends ConsulCommand<typeof KvExport> {
  static override summary = 'print all keys under a prefix as JSON, for kv import'
  static override description =
    'Prints keys, flags and values (base64) in the format of consul kv export. The list is one consistent read.'
  static override exitMeanings = {
    0: 'printed',
  }
  static override examples = ['<%= config.bin %> kv export app/ > app.json']
  static override args = {prefix: Args.string({ignoreStdin: true, description: 'prefix of the keys'})}

  protected override get checksHidden(): HiddenCheck {
    return 'all'
  }

  async run(): Promise<number> {
    const {value: entries} = await this.openClient().kv.list((this.args.prefix ?? '').replace(/^\//, ''))
    this.out.line(exportText(entries))
    return 0
  }
}
