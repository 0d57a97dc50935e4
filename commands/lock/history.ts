import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {runLine} from '../../src/cli/lock/run-text.js'
import {checkSubVerb} from '../../src/cli/lock/sub-verb.js'
import {readRuns} from '../../src/lock/run/run-log.js'
import {checkPrefix} from '../../src/lock/wire/names.js'

const noneCode = 1

export default class LockHistory extends ConsulCommand<typeof LockHistory> {
  static override summary = 'show when, where and how commands ran under a lock'
  static override exitMeanings = {
    0: 'shown',
    1: 'no run is recorded',
    78: 'something else wrote the key of the runs',
  }
  static override description =
    'Prints the last 20 runs, newest first, that baton lock --record or --once-per wrote to KEY/.runs, in the transaction that released the lock. ' +
    'Runs that were lost or killed are missing. For a lock named history: baton lock history -- COMMAND.'
  static override usage = 'lock history KEY [FLAGS]'
  static override examples = ['<%= config.bin %> lock history jobs/backup']
  static override enableJsonFlag = true
  static override strict = false
  static override args = {key: Args.string({required: true, ignoreStdin: true, description: 'prefix of the lock'})}
  static override flags = {
    json: Flags.boolean({description: 'print the runs as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    checkSubVerb('history', this.words)
    const {key} = this.args
    checkPrefix(key)
    const runs = await readRuns(this.openClient(), key, {signal: this.stopSignal})
    if (this.flags.json) this.out.json({prefix: key, runs})
    else for (const one of runs) this.out.line(runLine(one))
    if (runs.length > 0) return 0
    if (!this.flags.json) this.out.error(`baton: lock ${key}: no run is recorded`)
    return noneCode
  }
}
