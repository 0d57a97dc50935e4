import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {durationFlag} from '../../src/cli/flags.js'
import {WatchCommand, watchExits, watchFlags} from '../../src/cli/watch/watch-command.js'
import {defaultPollMs} from '../../src/core/query/prepared-query.js'
import type {WatchSpec} from '../../src/watch/spec.js'

export default class WatchPreparedQuery extends WatchCommand<typeof WatchPreparedQuery> {
  static override summary = 'follow the instances that a prepared query gives'
  static override description =
    'Follows the instances that a prepared query gives, also from another datacenter. Consul cannot block on these: the query is asked again at intervals that differ by up to a quarter. Without a program it prints each state as JSON; with one it runs the program at the start and after each change, with the JSON on stdin.'
  static override exitMeanings = {...watchExits, 1: 'an HTTP handler failed, or the query does not exist'}
  static override examples = [
    '<%= config.bin %> watch query nearest-web --near _agent -- ./render.sh',
    '<%= config.bin %> watch query nearest-web --interval 5s --ndjson',
  ]
  static override args = {
    query: Args.string({required: true, ignoreStdin: true, description: 'name or ID of the prepared query'}),
  }
  static override childForm = {ownArgs: 1}
  static override flags = {
    ...watchFlags,
    near: Flags.string({description: 'nearest instances of this node first; _agent is the one that is asked'}),
    limit: Flags.integer({description: 'at most this many instances; without --near a random choice', min: 1}),
    interval: durationFlag({description: 'mean pause between two reads', default: '10s', min: 1000}),
  }

  async run(): Promise<number> {
    const {near, limit, interval: everyMs = defaultPollMs} = this.flags
    const spec: WatchSpec = {type: 'query', query: this.args.query, near, limit, everyMs}
    return this.watch({spec}, 'native')
  }
}
