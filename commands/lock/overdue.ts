import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {printable} from '../../src/cli/exec/printable.js'
import {durationFlag} from '../../src/cli/flags.js'
import {checkSubVerb} from '../../src/cli/lock/sub-verb.js'
import {UsageError} from '../../src/core/errors.js'
import {systemClock} from '../../src/core/time/clock.js'
import {formatDuration} from '../../src/core/time/duration.js'
import {readRuns} from '../../src/lock/run/run-log.js'
import {checkPrefix} from '../../src/lock/wire/names.js'

const overdueCode = 1
const second = 1000

export default class LockOverdue extends ConsulCommand<typeof LockOverdue> {
  static override summary = 'check that a command has succeeded under a lock lately'
  static override exitMeanings = {
    0: 'a run has succeeded within the time',
    1: 'overdue: none has',
    78: 'something else wrote the key of the runs',
  }
  static override description =
    'For monitoring: looks for a run that ended with exit code 0 within --every, among those that baton lock --record or --once-per has written. ' +
    'For a lock named overdue: baton lock overdue -- COMMAND.'
  static override usage = 'lock overdue KEY --every DURATION [FLAGS]'
  static override examples = ['<%= config.bin %> lock overdue jobs/backup --every 24h']
  static override enableJsonFlag = true
  static override strict = false
  static override args = {key: Args.string({required: true, ignoreStdin: true, description: 'prefix of the lock'})}
  static override flags = {
    every: durationFlag({description: 'longest time since the last success', min: 1, max: Number.POSITIVE_INFINITY}),
    json: Flags.boolean({description: 'print the answer as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    checkSubVerb('overdue', this.words)
    const {key} = this.args
    const {every: everyMs} = this.flags
    checkPrefix(key)
    if (everyMs === undefined)
      throw new UsageError('lock overdue: --every is missing', {hint: 'for instance --every 24h'})
    const runs = await readRuns(this.openClient(), key, {signal: this.stopSignal})
    const success = runs.find(({end, exit}) => end === 'exited' && exit === 0)
    const sinceMs = success && Math.max(0, systemClock.wallMs() - Date.parse(success.endedAt))
    const isOverdue = sinceMs === undefined || sinceMs > everyMs
    if (this.flags.json) {
      const facts = success && {lastSuccess: success.endedAt, host: success.host, sinceMs}
      this.out.json({prefix: key, everyMs, overdue: isOverdue, ...facts})
    } else {
      const last =
        success === undefined || sinceMs === undefined
          ? 'no success is recorded'
          : `last success ${formatDuration(Math.floor(sinceMs / second) * second)} ago on ${printable(success.host)}`
      this.out.line(`${key}: ${isOverdue ? 'overdue' : 'in time'}: ${last}`)
    }
    return isOverdue ? overdueCode : 0
  }
}
