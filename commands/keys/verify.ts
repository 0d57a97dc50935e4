import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {BaseCommand} from '../../src/cli/base-command.js'
import {keysDirectory, trustDirectory} from '../../src/cli/directories.js'
import {ownAndTrusted} from '../../src/cli/exec/attach.js'
import {jobJson, jobLines, readJobFile, signatureLine} from '../../src/cli/exec/job-file.js'
import {systemClock} from '../../src/core/time/clock.js'
import {judgeSignatures} from '../../src/exec/native/job-file.js'

export default class KeysVerify extends BaseCommand<typeof KeysVerify> {
  static override summary = 'show who signed a job that was prepared'
  static override description =
    'Shows what a file of baton exec --prepare would run and where, and compares each signature with your own keys and those of a trust directory. Whether a responder would run it says baton responder check.'
  static override exitMeanings = {
    0: 'every signature is valid, and there is at least one',
    6: 'a signature is not valid or its key is not trusted, or there is none',
  }
  static override examples = ['<%= config.bin %> keys verify restart.job']
  static override enableJsonFlag = true
  static override args = {
    file: Args.string({ignoreStdin: true, required: true, description: 'file of baton exec --prepare'}),
  }
  static override flags = {
    'keys-dir': Flags.string({description: 'where your keys are (default: ~/.config/baton/keys)', helpValue: 'DIR'}),
    'trust-dir': Flags.string({description: 'where trusted keys are', default: trustDirectory, helpValue: 'DIR'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const job = await readJobFile(this.args.file)
    const trust = ownAndTrusted(this.flags['keys-dir'] ?? keysDirectory(this.host.env), this.flags['trust-dir'])
    const nowMs = systemClock.wallMs()
    const verdicts = judgeSignatures(job.envelope, await trust(), nowMs)
    const isGood = verdicts.length > 0 && verdicts.every(({verdict}) => verdict === 'valid')
    if (this.flags.json) {
      const signatures = verdicts.map(({kid, name, verdict}) => ({kid, ...(name !== undefined && {name}), verdict}))
      this.out.json({...jobJson(job), signatures, isVerified: isGood})
    } else {
      for (const line of [...jobLines(job, nowMs), ...verdicts.map(signatureLine)]) this.out.line(line)
      if (verdicts.length === 0) this.out.line('not signed')
    }
    return isGood ? 0 : 6
  }
}
