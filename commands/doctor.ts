import {existsSync} from 'node:fs'
import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {keysDirectory, trustDirectory} from '../src/cli/directories.js'
import {printable} from '../src/cli/exec/printable.js'
import type {ConsulClient} from '../src/core/client.js'
import {isBatonError, messageOf, UsageError} from '../src/core/errors.js'
import {examine} from '../src/doctor/examine.js'
import type {KeyReport} from '../src/doctor/keys.js'
import type {LockReport} from '../src/doctor/lock.js'
import type {TokenSource} from '../src/doctor/machine.js'
import type {Finding} from '../src/doctor/types.js'
import {defaultKeyName, listTrust} from '../src/exec/native/key-files.js'
import {inspectOwnKeys, type OwnKey} from '../src/exec/native/own-keys.js'
import {inspectLock, type LockParty} from '../src/lock/inspect.js'

export default class Doctor extends ConsulCommand<typeof Doctor> {
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
      client,
      ...(lock !== undefined && {readLock: () => readLock(client, lock)}),
      nodeVersion: process.version,
      searchPath: this.host.env['PATH'] ?? '',
      platform: process.platform,
      token: this.#tokenSource(),
      keys: await this.#keys(),
      key: (this.args.key ?? lock ?? 'baton/doctor').replace(/^\//, ''),
    })
    const failed = findings.some(({verdict}) => verdict === 'fail')
    if (this.jsonEnabled()) this.out.json({ok: !failed, findings: findings.map(one => this.#phrased(one))})
    else {
      const paint = this.painterFor('stdout')
      for (const {verdict, check, text, fix} of findings.map(one => this.#phrased(one))) {
        const line = `${check.padEnd(11)} ${text}${fix === undefined ? '' : ` (${fix})`}`
        const mark = verdict.padEnd(4)
        const shown = verdict === 'ok' ? mark : paint(verdict === 'fail' ? 'red' : 'yellow', mark)
        this.out.line(`${shown} ${printable(line.replaceAll(/\s*\n\s*/g, ' '))}`)
      }
    }
    return exitCode(findings)
  }

  async #keys(): Promise<KeyReport> {
    const directory = keysDirectory(this.host.env)
    const {keys, revoked, problems} = await listTrust(trustDirectory)
    const own = await inspectOwnKeys(directory).catch(messageOf)
    return {
      keysDirectory: directory,
      own: typeof own === 'string' ? [] : own.map(describeKey),
      ownProblem: typeof own === 'string' ? printable(own) : undefined,
      defaultName: defaultKeyName,
      trustDirectory,
      hasTrustDirectory: existsSync(trustDirectory),
      trusted: keys.map(({entry}) => entry),
      revoked,
      trustProblems: problems.map(printable),
    }
  }

  #phrased(finding: Finding): Finding {
    const {fix} = finding
    return fix === undefined ? finding : {...finding, fix: this.phrase(fix)}
  }

  #tokenSource(): TokenSource {
    const {token, 'token-file': file} = this.flags
    if (file !== undefined && file !== '') return {file}
    if (token === undefined || token === '') return 'none'
    return this.sources.get('token') === 'flag' ? 'flag' : 'other'
  }
}

const describeKey = ({name, kid, problem}: OwnKey): KeyReport['own'][number] => ({
  name,
  kid,
  problem: problem === undefined ? undefined : printable(messageOf(problem)),
  fix: isBatonError(problem) ? problem.hint : undefined,
})

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

/** Returns the exit code of the worst finding, or 77 if only permissions failed. */
function exitCode(findings: readonly Finding[]): number {
  const failed = findings.filter(({verdict}) => verdict === 'fail')
  if (failed.length > 0) return failed.every(({check}) => check === 'acl' || check === 'rights') ? 77 : 69
  return findings.some(({verdict}) => verdict === 'warn') ? 1 : 0
}
