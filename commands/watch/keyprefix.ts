import * as Args from '@oclif/core/args'
import {WatchCommand, watchExits, watchFlags} from '../../src/cli/watch/watch-command.js'

export default class WatchKeyprefix extends WatchCommand<typeof WatchKeyprefix> {
  static override summary = 'follow all keys under a prefix'
  static override description =
    'Follows every key that starts with the prefix, byte for byte. Without a program it prints each state as JSON; with one it runs the program at the start and after each change, with the JSON on stdin.'
  static override exitMeanings = watchExits
  static override examples = [
    '<%= config.bin %> watch keyprefix app/ --ndjson',
    '<%= config.bin %> watch keyprefix app/ --debounce 1s -- ./reload.sh',
  ]
  static override args = {prefix: Args.string({required: true, ignoreStdin: true, description: 'prefix of the keys'})}
  static override childForm = {ownArgs: 1}
  static override flags = {...watchFlags}

  async run(): Promise<number> {
    return this.watch({spec: {type: 'keyprefix', prefix: this.args.prefix.replace(/^\//, '')}}, 'native')
  }
}
