import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {eventRow} from '../../src/cli/event/text.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {goJson} from '../../src/core/api/go-json.js'
import {UsageError} from '../../src/core/errors.js'
import type {UserEvent} from '../../src/core/types.js'
import {logPrefix, readLog} from '../../src/event/durable/durable-log.js'
import {toGoEvent} from '../../src/event/handler/handler-io.js'
import {eventsSince} from '../../src/event/since.js'

export default class EventList extends ConsulCommand<typeof EventList> {
  static override summary = "show the agent's newest 256 events, oldest first"
  static override description =
    'Shows the events that the agent has received, fired from any node. An agent keeps 256 and forgets them when it restarts; --durable shows the log of one name instead, which stays in KV.'
  static override exitMeanings = {
    0: 'listed, also if there are none',
  }
  static override examples = [
    '<%= config.bin %> event list',
    '<%= config.bin %> event list --name deploy --json',
    '<%= config.bin %> event list --durable --name deploy',
    '<%= config.bin %> event list --since 42',
  ]
  static override enableJsonFlag = true
  static override flags = {
    name: Flags.string({description: 'only events of this name'}),
    since: Flags.string({
      description: 'only events after this one, or with a later Lamport time (--durable: index)',
      helpValue: 'ID|TIME',
    }),
    durable: Flags.boolean({description: 'show the log of the name instead, with indexes for times'}),
    json: Flags.boolean({
      description: "print the result as JSON, each event with Consul's fields",
      helpGroup: 'COMMON',
    }),
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    const events = this.#select(await this.#read())
    if (this.flags.json) this.out.line(goJson({events: events.map(toGoEvent)}, '  '))
    else if (events.length === 0) this.out.say('no events')
    else this.out.raw(events.map(event => `${eventRow(event)}\n`).join(''))
    return 0
  }

  #select(all: readonly UserEvent[]): readonly UserEvent[] {
    const {since, name} = this.flags
    if (since === undefined) return all
    const {events, isListed} = eventsSince(all, since)
    if (!isListed) this.out.warn(`event list: event ${since} is not listed: events after it may have been dropped`)
    return name === undefined ? events : events.filter(event => event.name === name)
  }

  async #read(): Promise<readonly UserEvent[]> {
    const {name, durable, since} = this.flags
    const client = this.openClient()
    // With --since, events of all names are read, because the event that --since names may have another name than
    // --name.
    if (!durable) return (await client.event.list(name === undefined || since !== undefined ? {} : {name})).value
    if (name === undefined) throw new UsageError('event list: --durable needs --name')
    const {value, filteredByAcls} = await client.kv.list(logPrefix(name))
    if (filteredByAcls) this.out.warn(`event list: the token may not read all below ${logPrefix(name)}`)
    const {events, unreadable} = readLog(name, value)
    for (const {id, reason} of unreadable) this.out.warn(`event ${id}: ${reason}`)
    return events
  }
}
