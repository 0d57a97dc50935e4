import * as Args from '@oclif/core/args'
import {WatchCommand, watchExits, watchFlags} from '../../src/cli/watch/watch-command.js'

export default class KvWatch extends WatchCommand<typeof KvWatch> {
  static override summary = 'follow a key, or all keys under a prefix that ends with /'
  static override description =
    'Short for watch key, and for watch keyprefix if KEY ends with /. Without a program it prints each state as JSON; with one it runs the program at the start and after each change, with the JSON on stdin.'
  static override exitMeanings = watchExits
  static override examples = ['<%= config.bin %> kv watch app/config', '<%= config.bin %> kv watch app/ -- ./reload.sh']
  static override args = {
    key: Args.string({required: true, ignoreStdin: true, description: 'key, or prefix that ends with /'}),
  }
  static override childForm = {ownArgs: 1}
  static override flags = {...watchFlags}

  async run(): Promise<number> {
    const key = this.args.key.replace(/^\//, '')
    const spec =
      key === '' || key.endsWith('/') ? ({type: 'keyprefix', prefix: key} as const) : ({type: 'key', key} as const)
    return this.watch({spec}, 'native')
  }
}
