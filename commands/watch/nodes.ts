import {WatchCommand, watchExits, watchFlags} from '../../src/cli/watch/watch-command.js'

export default class WatchNodes extends WatchCommand<typeof WatchNodes> {
  static override summary = 'follow the nodes of the datacenter'
  static override description =
    'Follows the list of nodes in the catalog. Without a program it prints each state as JSON; with one it runs the program at the start and after each change, with the JSON on stdin.'
  static override exitMeanings = watchExits
  static override examples = ['<%= config.bin %> watch nodes --ndjson']
  static override flags = {...watchFlags}

  async run(): Promise<number> {
    return this.watch({spec: {type: 'nodes'}}, 'native')
  }
}
