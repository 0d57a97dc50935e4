import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {BaseCommand} from '../../src/cli/base-command.js'
import {trustDirectory} from '../../src/cli/directories.js'
import {revokeTrust} from '../../src/exec/native/key-files.js'

export default class KeysRevoke extends BaseCommand<typeof KeysRevoke> {
  static override summary = 'never again run the jobs of a key on this node'
  static override description = 'Refuses the key from now on, also if it is added again. Running jobs of the key go on.'
  static override exitMeanings = {
    0: 'the key is revoked',
  }
  static override examples = ['<%= config.bin %> keys revoke deploy', '<%= config.bin %> keys revoke 4f1c0a9be2d37756']
  static override enableJsonFlag = true
  static override args = {
    key: Args.string({ignoreStdin: true, required: true, description: 'kid of the key, or its name here'}),
  }
  static override flags = {
    'trust-dir': Flags.string({description: 'where trusted keys are', default: trustDirectory, helpValue: 'DIR'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const revoked = await revokeTrust(this.flags['trust-dir'], this.args.key)
    if (this.flags.json) this.out.json(revoked)
    else this.out.line(`revoked ${revoked.kid} in ${revoked.path}`)
    return 0
  }
}
