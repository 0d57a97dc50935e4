import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {AttachCommand} from '../../src/cli/exec/attach-command.js'
import {attachExits, attachFlags} from '../../src/cli/exec/attach-flags.js'
import {readJobFile} from '../../src/cli/exec/job-file.js'
import {checkExecWords} from '../../src/cli/exec/sub-verb.js'
import {createInitiator} from '../../src/exec/initiator/initiator.js'

export default class ExecSubmit extends AttachCommand<typeof ExecSubmit> {
  static override summary = 'run a job that was prepared in a file'
  static override description =
    "Writes the job of a file of baton exec --prepare to Consul with all its signatures, follows it to its end, and exits as baton exec does. Ctrl-C leaves the job alone. A program named submit needs 'baton exec -- submit'."
  static override exitMeanings = {
    ...attachExits,
    1: 'the job was cancelled, or the output is not read any more',
    6: 'a node refused the job, or the time of the prepared job is over',
    '128+n': 'stopped by signal n: the job goes on',
  }
  static override examples = [
    '<%= config.bin %> exec submit restart.job',
    '<%= config.bin %> exec submit restart.job --detach',
  ]
  static override enableJsonFlag = true
  static override strict = false
  static override args = {file: Args.string({ignoreStdin: true, description: 'file of baton exec --prepare'})}
  static override flags = {
    ...attachFlags,
    detach: Flags.boolean({
      description: 'print the ID of the job and end: baton exec attach shows it',
      helpGroup: 'JOB',
      exclusive: ['json', 'ndjson', 'fold'],
    }),
  }

  async run(): Promise<number> {
    checkExecWords('submit', this.words, 1)
    const job = await readJobFile(this.args.file ?? '')
    const {id} = await createInitiator(this.openClient()).submit(job.value, {signal: this.stopSignal})
    if (!this.flags.detach) return this.show(id, 'follow', this.flags)
    this.out.line(id)
    return 0
  }
}
