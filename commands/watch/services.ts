import {WatchCommand, watchExits, watchFlags} from '../../src/cli/watch/watch-command.js'

export default class WatchServices extends WatchCommand<typeof WatchServices> {
  static override summary = 'follow the names and tags of all services'
  static override description =
    'Follows the list of service names with their tags. Without a program it prints each state as JSON; with one it runs the program at the start and after each change, with the JSON on stdin.'
  static override exitMeanings = watchExits
  static override examples = ['<%= config.bin %> watch services']
  static override flags = {...watchFlags}

  async run(): Promise<number> {
    return this.watch({spec: {type: 'services'}}, 'native')
  }
}
