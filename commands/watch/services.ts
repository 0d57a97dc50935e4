import {WatchCommand, watchFlags} from '../../src/cli/watch/watch-command.js'

export default class WatchServices extends WatchCommand<typeof WatchServices> {
  static override summary = 'follow the names and tags of all services'
  static override examples = ['<%= config.bin %> watch services']
  static override flags = {...watchFlags}

  async run(): Promise<number> {
    return this.watch({spec: {type: 'services'}}, 'native')
  }
}
