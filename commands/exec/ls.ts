import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {runLines, runsJson} from '../../src/cli/exec/runs-text.js'
import {checkExecWords} from '../../src/cli/exec/sub-verb.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {createInitiator} from '../../src/exec/initiator/initiator.js'

export default class ExecLs extends ConsulCommand<typeof ExecLs> {
  static override summary = 'list the jobs of responders, one a line'
  static override description =
    "Prints the jobs for responders that Consul has, the newest first: those that run, and detached ones until their time is over. What a job says of itself is not verified. A program named ls needs 'baton exec -- ls'."
  static override exitMeanings = {
    0: 'listed, also if there are none',
  }
  static override examples = ['<%= config.bin %> exec ls', '<%= config.bin %> exec ls --json']
  static override enableJsonFlag = true
  static override strict = false
  static override flags = {
    json: Flags.boolean({description: 'print the jobs as JSON', helpGroup: 'COMMON'}),
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    checkExecWords('ls', this.words, 0)
    const runs = await createInitiator(this.openClient()).list({signal: this.stopSignal})
    if (this.flags.json) this.out.json(runsJson(runs))
    else if (runs.length === 0) this.out.say('exec: no jobs')
    else for (const line of runLines(runs)) this.out.line(line)
    return 0
  }
}
