import {BaseCommand} from '../src/cli/base-command.js'
import {systemClock} from '../src/core/time/clock.js'
import {runTour} from '../src/tour/tour.js'

export default class Tour extends BaseCommand<typeof Tour> {
  static override summary = 'see lock, exec, replicate and discover at work, on an agent in memory'
  static override examples = ['<%= config.bin %> tour']

  async run(): Promise<number> {
    const {env, stdout} = this.host
    await runTour({
      baton: [process.execPath, process.argv[1] ?? ''],
      clock: systemClock,
      env,
      stdout,
      signal: this.stopSignal,
    })
    return 0
  }
}
