import * as Flags from '@oclif/core/flags'
import {WatchCommand, watchExits, watchFlags} from '../../src/cli/watch/watch-command.js'

export default class WatchEvent extends WatchCommand<typeof WatchEvent> {
  static override summary = 'follow user events, as lists; event watch handles each once'
  static override description =
    "Follows the list of user events that the agent keeps; a program receives the whole list each time. To run a program once for each event, use 'baton event watch'."
  static override exitMeanings = watchExits
  static override examples = ['<%= config.bin %> watch event --name deploy -- ./deploy.sh']
  static override flags = {...watchFlags, name: Flags.string({description: 'only events of this name'})}

  async run(): Promise<number> {
    return this.watch({spec: {type: 'event', name: this.flags.name}}, 'native')
  }
}
