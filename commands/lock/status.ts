import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {toStatusJson, toStatusLines} from '../../src/cli/lock/status-text.js'
import {checkSubVerb} from '../../src/cli/lock/sub-verb.js'
import {UsageError} from '../../src/core/errors.js'
import {inspectLock, inspectLocks} from '../../src/lock/inspect.js'
import {checkPrefix} from '../../src/lock/wire/names.js'

const freeCode = 1

export default class LockStatus extends ConsulCommand<typeof LockStatus> {
  static override summary = 'show the holders and waiters of a lock'
  static override exitMeanings = {
    0: 'held, or listed without KEY',
    1: 'not held',
  }
  static override description =
    'Only reads. Exits with 1 if KEY is not held. Without KEY, shows every lock. ' +
    'Waiters of a mutex are recognised by the names of their sessions. For a lock named status: baton lock status -- COMMAND.'
  static override examples = ['<%= config.bin %> lock status jobs/backup', '<%= config.bin %> lock status --json']
  static override enableJsonFlag = true
  static override strict = false
  static override args = {key: Args.string({ignoreStdin: true, description: 'prefix of the lock'})}
  static override flags = {
    json: Flags.boolean({description: 'print the locks as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    checkSubVerb('status', this.words)
    const {key} = this.args
    if (key === '') throw new UsageError('lock status: the prefix is empty', {hint: 'without one, it shows every lock'})
    if (key !== undefined) checkPrefix(key)
    const client = this.openClient()
    const signal = this.stopSignal
    const locks =
      key === undefined ? await inspectLocks(client, '', {signal}) : [await inspectLock(client, key, {signal})]
    if (this.flags.json) this.out.json(toStatusJson(locks))
    else for (const line of locks.flatMap(toStatusLines)) this.out.line(line)
    return key !== undefined && locks.every(({holders}) => holders.length === 0) ? freeCode : 0
  }
}
