import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {statusDirFlag} from '../src/cli/replicate/sub-verb.js'
import {statusJson} from '../src/cli/status/json.js'
import {statusText} from '../src/cli/status/text.js'
import {wrapLine} from '../src/cli/wrap.js'
import {systemClock} from '../src/core/time/clock.js'
import {readStatus} from '../src/status/read-status.js'

const incompleteCode = 1

export default class Status extends ConsulCommand<typeof Status> {
  static override summary = 'show all that baton does in this cluster'
  static override description =
    'Prints the locks whose keys start with PREFIX (default: all) with holders and queues, sessions that nothing renews, responders and jobs, replicated prefixes, and the event watchers of this host. It only reads.'
  static override exitMeanings = {
    0: 'every part was read',
    1: 'a part could not be read, or the token may not see everything: the last lines say what',
  }
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status jobs/ --json']
  static override enableJsonFlag = true
  static override args = {prefix: Args.string({ignoreStdin: true, description: 'start of the keys of the locks'})}
  static override flags = {
    'status-dir': statusDirFlag,
    json: Flags.boolean({description: 'print the status as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const status = await readStatus({
      client: this.openClient(),
      signal: this.stopSignal,
      prefix: this.args.prefix ?? '',
      statusDir: this.flags['status-dir'],
    })
    if (this.flags.json) this.out.json(statusJson(status))
    else {
      const width = this.host.stdout.isTTY ? this.host.stdout.columns : 0
      for (const line of statusText(status, systemClock.wallMs())) this.out.line(wrapLine(line, width))
    }
    const isComplete = status.problems.size === 0 && (status.parts.missingRules ?? []).length === 0
    return isComplete ? 0 : incompleteCode
  }
}
