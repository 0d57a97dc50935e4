import * as Args from '@oclif/core/args'
import {AttachCommand} from '../../src/cli/exec/attach-command.js'
import {attachExits, attachFlags} from '../../src/cli/exec/attach-flags.js'
import {checkExecWords} from '../../src/cli/exec/sub-verb.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'

export default class ExecShow extends AttachCommand<typeof ExecShow> {
  static override summary = 'show what a job has done until now'
  static override description =
    "Prints the output and the outcomes that are there now, without waiting. Answers are verified as in a live run. A program named show needs 'baton exec -- show'."
  static override exitMeanings = {
    ...attachExits,
    1: 'the job was cancelled, or the output is not read any more',
    9: 'a node has not ended',
  }
  static override examples = ['<%= config.bin %> exec show 019b2c3d', '<%= config.bin %> exec show 019b2c3d --json']
  static override enableJsonFlag = true
  static override strict = false
  static override args = {job: Args.string({ignoreStdin: true, description: 'ID of the job, or its first characters'})}
  static override flags = attachFlags

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    checkExecWords('show', this.words, 1)
    return this.show(this.args.job ?? '', 'snapshot', this.flags)
  }
}
