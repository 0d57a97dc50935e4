import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {toListLines, toStatusJson} from '../../src/cli/lock/status-text.js'
import {checkSubVerb} from '../../src/cli/lock/sub-verb.js'
import {inspectLocks} from '../../src/lock/inspect.js'

export default class LockLs extends ConsulCommand<typeof LockLs> {
  static override summary = 'list locks, one a line'
  static override description =
    "Prints the name, kind and holder of each lock whose key starts with the prefix. It only reads; a lock that is itself named ls needs 'baton lock ls -- COMMAND'."
  static override exitMeanings = {
    0: 'listed, also if there are none',
  }
  static override examples = ['<%= config.bin %> lock ls', '<%= config.bin %> lock ls jobs/']
  static override enableJsonFlag = true
  static override strict = false
  static override args = {prefix: Args.string({ignoreStdin: true, description: 'start of the keys of the locks'})}
  static override flags = {
    json: Flags.boolean({description: 'print the locks as JSON', helpGroup: 'COMMON'}),
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    checkSubVerb('ls', this.words)
    const locks = await inspectLocks(this.openClient(), this.args.prefix ?? '', {signal: this.stopSignal})
    if (this.flags.json) this.out.json(toStatusJson(locks))
    else for (const line of toListLines(locks)) this.out.line(line)
    if (locks.length === 0 && !this.flags.json) this.out.say('no locks')
    return 0
  }
}
