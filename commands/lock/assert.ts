import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {claimFlags, toClaim} from '../../src/cli/lock/claim-flags.js'
import {checkNoWords} from '../../src/cli/lock/sub-verb.js'
import type {ConnectionSettings} from '../../src/config/connection.js'
import {disproveClaim} from '../../src/lock/claim.js'

const lostCode = 1

export default class LockAssert extends ConsulCommand<typeof LockAssert> {
  static override summary = 'check that the lock around this command is still held'
  static override exitMeanings = {
    0: 'held at the moment of the answer',
    1: 'not held any more',
  }
  static override description =
    'Asks the leader whether the session that holds the lock still does. The command of baton lock finds its lock in its environment. ' +
    'The answer may be old when it arrives: a write that must not happen without the lock needs baton lock put, or the fencing token. ' +
    'For a lock named assert: baton lock assert -- COMMAND.'
  static override usage = 'lock assert [FLAGS]'
  static override examples = [
    '<%= config.bin %> lock assert && ./step2',
    '<%= config.bin %> lock assert --lock-prefix jobs/backup --lock-session "$SESSION"',
  ]
  static override enableJsonFlag = true
  static override strict = false
  static override flags = {
    ...claimFlags,
    json: Flags.boolean({description: 'print the answer as JSON', helpGroup: 'COMMON'}),
  }

  protected override get aclTargets(): readonly string[] {
    return [this.flags['lock-prefix'] ?? '']
  }

  async run(): Promise<number> {
    checkNoWords('assert', this.words)
    const claim = toClaim('assert', this.flags)
    const why = await disproveClaim(this.openClient(), claim, {signal: this.stopSignal})
    const {prefix, session} = claim
    if (this.flags.json) this.out.json({prefix, session, held: why === undefined, ...(why !== undefined && {why})})
    else if (why !== undefined) this.out.error(`baton: lock ${prefix}: not held by session ${session}: ${why}`)
    return why === undefined ? 0 : lostCode
  }

  protected override connectionSettings(): ConnectionSettings {
    const datacenter = this.flags['lock-dc']
    return {...super.connectionSettings(), ...(datacenter !== undefined && {datacenter})}
  }
}
