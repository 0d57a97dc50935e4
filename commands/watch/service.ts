import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {WatchCommand, watchExits, watchFlags} from '../../src/cli/watch/watch-command.js'
import {parseWatch} from '../../src/watch/spec.js'

export default class WatchService extends WatchCommand<typeof WatchService> {
  static override summary = 'follow the instances of a service and their health'
  static override description =
    'Follows the instances of one service with their node and their checks. Without a program it prints each state as JSON; with one it runs the program at the start and after each change, with the JSON on stdin.'
  static override exitMeanings = watchExits
  static override examples = [
    '<%= config.bin %> watch service web --passing',
    '<%= config.bin %> watch service web --tag blue -- ./render.sh',
  ]
  static override args = {service: Args.string({required: true, ignoreStdin: true, description: 'name of the service'})}
  static override childForm = {ownArgs: 1}
  static override flags = {
    ...watchFlags,
    tag: Flags.string({
      description: 'only instances with this tag (repeatable)',
      multiple: true,
      multipleNonGreedy: true,
    }),
    passing: Flags.boolean({description: 'only instances whose checks pass'}),
  }

  async run(): Promise<number> {
    const {tag, passing} = this.flags
    const spec = parseWatch({type: 'service', service: this.args.service, tag, passingonly: passing ? 'true' : 'false'})
    return this.watch({spec}, 'native')
  }
}
