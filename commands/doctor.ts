import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ExaminingCommand, failureCode} from '../src/cli/doctor/examining-command.js'
import type {ConsulClient} from '../src/core/client.js'
import {UsageError} from '../src/core/errors.js'
import {examine} from '../src/doctor/examine.js'
import type {LockReport} from '../src/doctor/lock.js'
import type {Finding} from '../src/doctor/types.js'
import {inspectLock, type LockParty} from '../src/lock/inspect.js'

export default class Doctor extends ExaminingCommand<typeof Doctor> {
  static override summary = 'check everything baton depends on, and say what to fix'
  static override description =
    'Checks this machine, the agent, the cluster and what the token may do, one line each, with what to do in brackets. It only reads: Consul reports what a token may write without a write.'
  static override exitMeanings = {
    0: 'nothing to fix',
    1: 'only warnings',
    69: 'something failed: baton cannot work',
    77: 'only permissions are missing: the token is unknown, or has none that baton needs',
  }
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor app/db --token-file /etc/baton/token',
    '<%= config.bin %> doctor --lock jobs/backup',
  ]
  static override enableJsonFlag = true
  static override args = {
    key: Args.string({
      ignoreStdin: true,
      description:
        'a key that is going to be used: may it be read and written? (default: that of --lock, or baton/doctor)',
    }),
  }

  static override flags = {
    lock: Flags.string({
      description: 'also show the state of this lock: holders, session, contenders',
      helpValue: 'KEY',
    }),
  }

  async run(): Promise<number> {
    if (this.args.key === '') throw new UsageError('doctor: the key is empty')
    const client = this.openClient()
    const {lock} = this.flags
    const findings = await examine({
      ...(await this.examinationOptions()),
      client,
      ...(lock !== undefined && {readLock: () => readLock(client, lock)}),
      key: (this.args.key ?? lock ?? 'baton/doctor').replace(/^\//, ''),
    })
    this.printFindings(findings)
    return exitCode(findings)
  }
}

async function readLock(client: ConsulClient, prefix: string): Promise<LockReport> {
  const {holders, waiters, ...status} = await inspectLock(client, prefix.replace(/^\//, ''))
  return {
    ...status,
    key: `${status.prefix}/.lock`,
    waiters: waiters.map(describeParty),
    holders: holders.map(describeParty),
  }
}

const describeParty = ({session, info, record}: LockParty): LockReport['holders'][number] => ({
  session,
  info,
  record: record && `${record.command ?? 'a program'} on ${record.host}, pid ${record.pid}, since ${record.since}`,
})

/** Returns the exit code of the worst finding. */
function exitCode(findings: readonly Finding[]): number {
  const failed = findings.filter(({verdict}) => verdict === 'fail')
  if (failed.length > 0) return failureCode(failed)
  return findings.some(({verdict}) => verdict === 'warn') ? 1 : 0
}
