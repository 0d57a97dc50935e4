import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {parseKeep, pruneEvents} from '../../src/event/durable/durable-prune.js'

export default class EventPrune extends ConsulCommand<typeof EventPrune> {
  static override summary = 'delete the old end of the log of a durable event'
  static override exitMeanings = {
    0: 'deleted, also if there was nothing to delete',
    1: 'other clients keep pruning the same log',
  }
  static override description =
    'Watchers that had not seen a deleted event cannot get it back; they notice, and say so when they next run.'
  static override examples = [
    '<%= config.bin %> event prune deploy --keep 1000',
    '<%= config.bin %> event prune deploy --keep 168h',
  ]
  static override enableJsonFlag = true
  static override args = {
    name: Args.string({required: true, ignoreStdin: true, description: 'name of the event'}),
  }
  static override flags = {
    keep: Flags.string({
      required: true,
      description: 'how many events stay, or for how long they do',
      helpValue: 'N|DURATION',
    }),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    const keep = parseKeep(this.flags.keep, '--keep')
    const pruned = await pruneEvents(this.openClient(), this.args.name, keep)
    if (this.flags.json) this.out.json({pruned})
    else this.out.line(`Events deleted: ${pruned}`)
    return 0
  }
}
