import * as Args from '@oclif/core/args'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {durationFlag} from '../../src/cli/flags.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {statusLines, toMappingJson} from '../../src/cli/replicate/status-text.js'
import {checkWords, ofMapping, statusDirFlag} from '../../src/cli/replicate/sub-verb.js'
import {systemClock} from '../../src/core/time/clock.js'
import {type Health, toMappingReport} from '../../src/replicate/status/health.js'
import {readStatuses} from '../../src/replicate/status/read-statuses.js'

const exits: Readonly<Record<Health, number>> = {healthy: 0, warning: 1, critical: 2, unknown: 3}

export default class ReplicateStatus extends ConsulCommand<typeof ReplicateStatus> {
  static override summary = 'show how current each replicated prefix is'
  static override exitMeanings = {
    0: 'every prefix is up to date',
    1: 'something is behind, held, set aside or hidden',
    2: 'no replicator runs, or Consul does not answer it',
    3: 'there is no status, or it is that of another program',
  }
  static override description =
    `Reads the status keys at the destination; the replicator is not asked. It writes there every 30 s, and at once when
something begins to wait or to be held: one that is silent for three such times counts as dead, and the prefix as
stale since its last complete copy. The exit code is that of the worst prefix.`
  static override usage = 'replicate status [SOURCE@DC[:DESTINATION]] [FLAGS]'
  static override examples = [
    '<%= config.bin %> replicate status',
    '<%= config.bin %> replicate status app/@dc1:backup/app/ --max-lag 10s --json',
  ]
  static override strict = false
  static override enableJsonFlag = true
  static override args = {mapping: Args.string({ignoreStdin: true, description: 'SOURCE@DC[:DESTINATION]'})}
  static override flags = {
    'status-dir': statusDirFlag,
    'max-lag': durationFlag({
      description: 'lag from which a prefix is behind',
      default: '1m',
      max: Number.POSITIVE_INFINITY,
    }),
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    checkWords('status', this.words, 1)
    const documents = await readStatuses(this.openClient(), this.flags['status-dir'], {signal: this.stopSignal})
    const given = {nowMs: systemClock.wallMs(), mostLagMs: this.flags['max-lag'] ?? 60_000}
    const reports = ofMapping(
      documents.map(document => toMappingReport(document, given)),
      this.args.mapping,
    )
    if (this.jsonEnabled()) this.out.json({mappings: reports.map(toMappingJson)})
    else for (const report of reports) for (const line of statusLines(report, given.nowMs)) this.out.line(line)
    if (reports.length > 0) return Math.max(...reports.map(({health}) => exits[health]))
    const what = this.args.mapping === undefined ? 'nothing is replicated' : `${this.args.mapping} is not replicated`
    this.out.error(`baton: replicate status: ${what}: no status key below ${this.flags['status-dir']}`)
    return exits.unknown
  }
}
