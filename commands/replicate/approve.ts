import * as Args from '@oclif/core/args'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {checkHeldId} from '../../src/cli/replicate/approvals.js'
import {checkWords, statusDirFlag} from '../../src/cli/replicate/sub-verb.js'
import {UsageError} from '../../src/core/errors.js'
import {approveHeld} from '../../src/replicate/held/approval.js'
import {formatMapping} from '../../src/replicate/mapping.js'

const unknownCode = 1

export default class ReplicateApprove extends ConsulCommand<typeof ReplicateApprove> {
  static override summary = 'approve deletes that a replicator holds'
  static override exitMeanings = {
    0: 'approved',
    1: 'no held deletes have this id',
  }
  static override description =
    `The running replicator makes the deletes within about a second; without one, the next run makes them if it
starts within a day. They are exactly those of the id: keys that were held later, keys written since and keys
that exist at the source stay. 'baton replicate held' lists what is held.
The token needs the right to write below the status directory.`
  static override usage = 'replicate approve ID [FLAGS]'
  static override examples = ['<%= config.bin %> replicate approve 3f2a91c0']
  static override strict = false
  static override enableJsonFlag = true
  static override args = {id: Args.string({ignoreStdin: true, description: 'id of the held deletes'})}
  static override flags = {'status-dir': statusDirFlag}

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    checkWords('approve', this.words, 1)
    const {id} = this.args
    if (id === undefined) {
      throw new UsageError('replicate approve: the id is missing', {hint: 'baton replicate held lists what is held'})
    }
    checkHeldId(id, 'replicate approve')
    const place = {id, statusDir: this.flags['status-dir']}
    const result = await approveHeld(this.openClient(), place, {signal: this.stopSignal})
    if (this.jsonEnabled()) this.out.json({id, ...result})
    if (result.outcome === 'unknown') {
      this.out.error(`baton: replicate approve: nothing is held with the id ${id} (see baton replicate held)`)
      return unknownCode
    }
    const before = result.outcome === 'approved' ? 'were approved before' : 'approved'
    if (!this.jsonEnabled()) this.out.say(`${formatMapping(result.mapping)}: ${result.count} deletes ${before}`)
    return 0
  }
}
