import {WatchCommand, watchFlags} from '../../src/cli/watch/watch-command.js'

export default class WatchNodes extends WatchCommand<typeof WatchNodes> {
  static override summary = 'follow the nodes of the datacenter'
  static override examples = ['<%= config.bin %> watch nodes --ndjson']
  static override flags = {...watchFlags}

  async run(): Promise<number> {
    return this.watch({spec: {type: 'nodes'}}, 'native')
  }
}
