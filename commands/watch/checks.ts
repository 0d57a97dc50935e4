import * as Flags from '@oclif/core/flags'
import {WatchCommand, watchExits, watchFlags} from '../../src/cli/watch/watch-command.js'
import {checkState} from '../../src/watch/spec.js'

export default class WatchChecks extends WatchCommand<typeof WatchChecks> {
  static override summary = 'follow health checks'
  static override description =
    'Follows all health checks, those of one service, or those in one state. Without a program it prints each state as JSON; with one it runs the program at the start and after each change, with the JSON on stdin.'
  static override exitMeanings = watchExits
  static override examples = [
    '<%= config.bin %> watch checks --state critical',
    '<%= config.bin %> watch checks --service web --state critical',
  ]
  static override flags = {
    ...watchFlags,
    service: Flags.string({description: 'only checks of this service'}),
    state: Flags.string({description: 'only checks in this state: passing, warning or critical'}),
  }

  async run(): Promise<number> {
    checkState(this.flags.state)
    return this.watch({spec: {type: 'checks', service: this.flags.service, state: this.flags.state}}, 'native')
  }
}
