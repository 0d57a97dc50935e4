import {isSea} from 'node:sea'
import {BaseCommand} from '../src/cli/base-command.js'
import {CancelledError} from '../src/core/errors.js'
import {systemClock} from '../src/core/time/clock.js'
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
  static override examples = ['<%= config.bin %> tour']

  async run(): Promise<number> {
    const {env, stdout} = this.host
    const unread = new CancelledError('stdout was closed')
    this.out.onClosed(() => this.stopSignals.abort(unread))
    try {
      await runTour({
        baton: isSea() ? [process.execPath] : [process.execPath, process.argv[1] ?? ''],
        clock: systemClock,
        env,
        stdout,
        signal: this.stopSignal,
      })
    } catch (error) {
      if (error !== unread) throw error
    }
    return 0
  }
}
