import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {AttachCommand} from '../../src/cli/exec/attach-command.js'
import {attachExits, attachFlags} from '../../src/cli/exec/attach-flags.js'
import {execFlags} from '../../src/cli/exec/flags.js'
import {checkExecWords} from '../../src/cli/exec/sub-verb.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'

export default class ExecCancel extends AttachCommand<typeof ExecCancel> {
  static override summary = 'stop a job that was started before'
  static override description =
    "Asks the responders to stop the job, also those that have not begun it, and waits until they have. The request is signed like a job. A program named cancel needs 'baton exec -- cancel'."
  static override exitMeanings = {
    ...attachExits,
    0: 'the command had succeeded on every node before',
    1: 'the job is cancelled',
  }
  static override examples = ['<%= config.bin %> exec cancel 019b2c3d', '<%= config.bin %> exec cancel 019b2c3d --kill']
  static override enableJsonFlag = true
  static override strict = false
  static override args = {job: Args.string({ignoreStdin: true, description: 'ID of the job, or its first characters'})}
  static override flags = {
    ...attachFlags,
    kill: Flags.boolean({description: 'kill what runs at once, without the grace of the job', helpGroup: 'JOB'}),
    key: execFlags.key,
    unsigned: execFlags.unsigned,
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    checkExecWords('cancel', this.words, 1)
    return this.show(this.args.job ?? '', this.flags.kill ? 'kill' : 'cancel', this.flags)
  }
}
