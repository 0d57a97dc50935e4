import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {readDataArgument} from '../../src/cli/data-argument.js'
import {bigintFlag} from '../../src/cli/flags.js'
import {claimFlags, toClaim} from '../../src/cli/lock/claim-flags.js'
import type {ConnectionSettings} from '../../src/config/connection.js'
import {brief} from '../../src/core/brief.js'
import {UsageError} from '../../src/core/errors.js'
import {commitFenced} from '../../src/lock/claim.js'
import {lockKey} from '../../src/lock/wire/names.js'

const refusedCode = 1

export default class LockPut extends ConsulCommand<typeof LockPut> {
  static override summary = 'write a key only if the lock around this command is still held'
  static override exitMeanings = {
    0: 'written, while the lock was held',
    1: 'not written: Consul refused the key',
    76: 'not written: the lock is not held any more',
  }
  static override description =
    'Checks the hold and writes in one transaction, so that nothing is written after the lock was lost, however late the request arrives. ' +
    'The command of baton lock finds its lock in its environment. For a lock named put: baton lock put -- COMMAND.'
  static override usage = 'lock put [FLAGS] KEY VALUE'
  static override examples = [
    '<%= config.bin %> lock put --fence reports/latest @report.json',
    'date | <%= config.bin %> lock put jobs/last-run -',
  ]
  static override enableJsonFlag = true
  static override dataForm = {after: 1}
  static override args = {
    key: Args.string({required: true, ignoreStdin: true, description: 'key to write'}),
    data: Args.string({required: true, ignoreStdin: true, description: 'value; @FILE for a file, - for stdin'}),
  }
  static override flags = {
    ...claimFlags,
    fence: Flags.boolean({description: 'check the hold in the same transaction (always)', default: true}),
    flags: bigintFlag({description: 'number to store beside the value (default: 0)'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  protected override get aclTargets(): readonly string[] {
    return [this.flags['lock-prefix'] ?? '', this.args.key]
  }

  async run(): Promise<number> {
    const key = this.args.key.replace(/^\//, '')
    const claim = toClaim('put', this.flags)
    if (key === '') throw new UsageError('lock put: the key is empty')
    if (key === lockKey(claim.prefix)) throw new UsageError(`lock put: ${brief(key)} is the key of the lock itself`)
    const value = await readDataArgument(this.args.data, this.host.stdin)
    const {flags = 0n} = this.flags
    const operations = [{verb: 'set', key, value, flags}] as const
    const result = await commitFenced(this.openClient(), claim, operations, {signal: this.stopSignal})
    if (!result.committed) {
      const why = result.errors.map(({what}) => what).join('; ')
      return this.refuse(`baton: ${key}: not written: ${why}`, {code: 'BATON_HTTP', exit: refusedCode})
    }
    if (this.flags.json) this.out.json({key, written: true})
    else this.out.say(`wrote ${key}`)
    return 0
  }

  protected override connectionSettings(): ConnectionSettings {
    const datacenter = this.flags['lock-dc']
    return {...super.connectionSettings(), ...(datacenter !== undefined && {datacenter})}
  }
}
