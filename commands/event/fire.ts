import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {readDataArgument} from '../../src/cli/data-argument.js'
import {durationFlag} from '../../src/cli/flags.js'
import {messageOf, UsageError} from '../../src/core/errors.js'
import {type FireDurableOptions, fireDurable} from '../../src/event/durable/durable-fire.js'
import {type Keep, parseKeep, pruneEvents} from '../../src/event/durable/durable-prune.js'
import {filtersOf, fireEvent} from '../../src/event/ring/fire.js'

export default class EventFire extends ConsulCommand<typeof EventFire> {
  static override summary = 'send an event to all agents of a datacenter'
  static override exitMeanings = {
    0: 'fired',
    1: 'Consul refused the event',
  }
  static override description =
    'Events travel by gossip: fast, to every agent, without any answer. Name, filters and payload share 512 bytes; ' +
    'what does not fit is refused before it is sent. A durable one is written into a log in KV first, where ' +
    'event watch --durable finds it even when it was down.'
  static override examples = [
    '<%= config.bin %> event fire deploy v1.2.3',
    '<%= config.bin %> event fire deploy @plan.json --spill',
    '<%= config.bin %> event fire deploy v1.2.3 --durable --keep 1000',
    '<%= config.bin %> event fire restart --service "^web-" --tag blue',
  ]
  static override enableJsonFlag = true
  static override args = {
    name: Args.string({required: true, ignoreStdin: true, description: 'name of the event'}),
    payload: Args.string({ignoreStdin: true, description: 'payload; @FILE for a file, - for stdin'}),
  }
  static override dataForm = {after: 1}
  static override flags = {
    node: Flags.string({description: 'only agents whose node name matches (RE2)'}),
    service: Flags.string({description: 'only agents with a service whose ID matches (RE2)'}),
    tag: Flags.string({description: 'only agents whose matching service has a tag that matches (RE2)'}),
    spill: Flags.boolean({description: 'put a payload that is too large into KV and send a pointer to it'}),
    'spill-ttl': durationFlag({
      description: 'how long a spilled payload stays at least; implies --spill',
      default: '1h',
      min: 10_000,
    }),
    durable: Flags.boolean({description: 'write the event into the log of its name, then fire a hint'}),
    keep: Flags.string({
      description: 'with --durable: then delete all but this many events of the log, or those older than this',
      helpValue: 'N|DURATION',
    }),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const {node, service, tag, durable, keep} = this.flags
    const spill = this.flags.spill || this.sources.get('spill-ttl') === 'flag'
    if (keep !== undefined && !durable) throw new UsageError('event fire: --keep is for --durable')
    if (spill && durable) {
      throw new UsageError('event fire: give --spill or --durable, not both', {
        hint: 'a durable payload is in KV anyway',
      })
    }
    const kept = keep === undefined ? undefined : parseKeep(keep, '--keep')
    const payload = await readDataArgument(this.args.payload ?? '', this.host.stdin)
    const filters = filtersOf({node, service, tag})
    if (durable) return this.#fireDurable({payload, ...filters}, kept)
    const fired = await fireEvent(this.openClient(), this.args.name, {
      payload,
      ...filters,
      ...(spill && {spillTtlMs: this.flags['spill-ttl'] ?? 3_600_000}),
    })
    if (this.flags.json) this.out.json({id: fired.event.id, spilled: fired.isSpilled, bytesLeft: fired.leftBytes})
    else this.out.line(`Event ID: ${fired.event.id}`)
    this.out.say(fired.isSpilled ? `payload of ${payload.length} bytes put into KV` : `${fired.leftBytes} bytes left`)
    return 0
  }

  async #fireDurable(options: FireDurableOptions, keep: Keep | undefined): Promise<number> {
    const client = this.openClient()
    const {name} = this.args
    const {id, key, hintError} = await fireDurable(client, name, options)
    if (hintError) this.out.warn(`event ${name}: is in its log, but was not announced: ${hintError.message}`)
    let pruned = 0
    try {
      pruned = keep ? await pruneEvents(client, name, keep) : 0
    } catch (error) {
      this.out.warn(`event ${name}: is in its log, but the log was not pruned: ${messageOf(error)}`)
    }
    if (this.flags.json) this.out.json({id, key, announced: hintError === undefined, pruned})
    else this.out.line(`Event ID: ${id}`)
    this.out.say(`written to ${key}${pruned > 0 ? `; ${pruned} old events deleted` : ''}`)
    return 0
  }
}
