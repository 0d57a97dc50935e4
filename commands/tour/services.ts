import {BaseCommand} from '../../src/cli/base-command.js'
import {showTour} from '../../src/cli/show-tour.js'
import {runServicesTour} from '../../src/tour/services.js'

export default class TourServices extends BaseCommand<typeof TourServices> {
  static override summary = 'see how a service is found: file, check, DNS and a file of nginx'
  static override description =
    'Starts baton dev with services from files, asks its DNS, and lets baton template write a file of nginx that follows the health of the instances. It needs no Consul, no nginx and no dig, and leaves nothing behind.'
  static override exitMeanings = {
    0: 'done',
    70: 'a command of the tour failed, or a bug in baton',
    '128+n': 'stopped by signal n',
  }
  static override examples = ['<%= config.bin %> tour services']

  async run(): Promise<number> {
    await showTour(this.host, {out: this.out, stops: this.stopSignals}, runServicesTour)
    return 0
  }
}
