import * as Args from '@oclif/core/args'
import {AttachCommand} from '../../src/cli/exec/attach-command.js'
import {attachExits, attachFlags} from '../../src/cli/exec/attach-flags.js'
import {checkExecWords} from '../../src/cli/exec/sub-verb.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'

export default class ExecAttach extends AttachCommand<typeof ExecAttach> {
  static override summary = 'follow a job that was started before'
  static override description =
    "Prints the output of a detached job from its first byte on, follows it to its end, and exits as baton exec does. Answers are verified as in a live run. Ctrl-C leaves the job alone. A program named attach needs 'baton exec -- attach'."
  static override exitMeanings = {
    ...attachExits,
    1: 'the job was cancelled, or the output is not read any more',
    '128+n': 'stopped by signal n: the job goes on',
  }
  static override examples = ['<%= config.bin %> exec attach 019b2c3d', '<%= config.bin %> exec attach 019b2c3d --fold']
  static override enableJsonFlag = true
  static override strict = false
  static override args = {job: Args.string({ignoreStdin: true, description: 'ID of the job, or its first characters'})}
  static override flags = attachFlags

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    checkExecWords('attach', this.words, 1)
    return this.show(this.args.job ?? '', 'follow', this.flags)
  }
}
