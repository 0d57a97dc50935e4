import * as Args from '@oclif/core/args'
import {WatchCommand, watchExits, watchFlags} from '../../src/cli/watch/watch-command.js'
import {parseWatch} from '../../src/watch/spec.js'

export default class WatchKey extends WatchCommand<typeof WatchKey> {
  static override summary = 'follow one key'
  static override description =
    "Follows the value of one key. On a terminal it prints the decoded value after each change, elsewhere Consul's JSON; with a program it runs the program at the start and after each change, with the JSON on stdin."
  static override exitMeanings = watchExits
  static override examples = [
    '<%= config.bin %> watch key app/config',
    '<%= config.bin %> watch key app/config -- ./reload.sh',
  ]
  static override args = {key: Args.string({required: true, ignoreStdin: true, description: 'key to follow'})}
  static override childForm = {ownArgs: 1}
  static override flags = {...watchFlags}

  async run(): Promise<number> {
    return this.watch({spec: parseWatch({type: 'key', key: this.args.key})}, 'native')
  }
}
