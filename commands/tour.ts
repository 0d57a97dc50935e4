import {BaseCommand} from '../src/cli/base-command.js'
import {showTour} from '../src/cli/show-tour.js'
import {runTour} from '../src/tour/tour.js'

export default class Tour extends BaseCommand<typeof Tour> {
  static override summary = 'see lock, exec, replicate and discover at work, on an agent in memory'
  static override description =
    'Starts an agent in memory, runs the most important commands against it, and shows each command with its output. It needs no Consul and leaves nothing behind.'
  static override exitMeanings = {
    0: 'done',
    70: 'a command of the tour failed, or a bug in baton',
    '128+n': 'stopped by signal n',
  }
  static override examples = ['<%= config.bin %> tour', '<%= config.bin %> tour services']

  async run(): Promise<number> {
    await showTour(this.host, {out: this.out, stops: this.stopSignals}, runTour)
    return 0
  }
}
