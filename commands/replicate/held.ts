import * as Args from '@oclif/core/args'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {checkWords, ofMapping, statusDirFlag} from '../../src/cli/replicate/sub-verb.js'
import {brief} from '../../src/core/brief.js'
import type {ConsulClient} from '../../src/core/client.js'
import {UsageError} from '../../src/core/errors.js'
import {formatDuration} from '../../src/core/time/duration.js'
import {type HeldReport, readHeld} from '../../src/replicate/held/approval.js'
import {formatMapping} from '../../src/replicate/mapping.js'
import {printable} from '../../src/replicate/plan/held.js'
import {toMappingReport} from '../../src/replicate/status/health.js'
import {readStatuses} from '../../src/replicate/status/read-statuses.js'

export default class ReplicateHeld extends ConsulCommand<typeof ReplicateHeld> {
  static override summary = 'list the deletes that replicators hold'
  static override exitMeanings = {
    0: 'listed, also if there are none',
  }
  static override description =
    `Reads what replicators have written down at the destination; none needs to run. Shows every key, in sets: a set
has one id, which approves it as a whole. Deletes that are held later make a set of their own, within a minute
for the first ones and ten minutes at most.`
  static override usage = 'replicate held [SOURCE@DC[:DESTINATION]] [FLAGS]'
  static override examples = [
    '<%= config.bin %> replicate held',
    '<%= config.bin %> replicate held app/@dc1:backup/app/ --json',
  ]
  static override strict = false
  static override enableJsonFlag = true
  static override args = {mapping: Args.string({ignoreStdin: true, description: 'SOURCE@DC[:DESTINATION]'})}
  static override flags = {'status-dir': statusDirFlag}

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    checkWords('held', this.words, 1)
    const client = this.openClient()
    const all = await readHeld(client, this.flags['status-dir'], {signal: this.stopSignal})
    const sets = ofMapping(all, this.args.mapping)
    if (sets.length === 0 && this.args.mapping !== undefined) await this.#checkMapping(client, this.args.mapping)
    if (this.jsonEnabled()) {
      this.out.json({
        sets: sets.map(({sinceMs, ...set}) => ({...set, since: new Date(sinceMs).toISOString()})),
      })
      return 0
    }
    if (sets.length === 0) this.out.say('replicate: no deletes are held')
    for (const set of sets) {
      this.out.line(headLine(set, Date.now()))
      for (const key of set.keys) this.out.line(`  ${printable(key)}`)
    }
    return 0
  }

  /**
   * Throws a UsageError if no replicator has written a status of the mapping, because the mapping is then probably
   * misspelt.
   */
  async #checkMapping(client: ConsulClient, word: string): Promise<void> {
    const statuses = await readStatuses(client, this.flags['status-dir'], {signal: this.stopSignal})
    const reports = statuses.map(document => toMappingReport(document, {nowMs: 0, mostLagMs: 0}))
    if (ofMapping(reports, word).length > 0) return
    throw new UsageError(`replicate held: ${brief(word)} is not replicated`, {
      hint: 'baton replicate status lists what is',
    })
  }
}

function headLine({id, mapping, keys, why, sinceMs, isApproved}: HeldReport, nowMs: number): string {
  const age = formatDuration(Math.max(0, Math.round((nowMs - sinceMs) / 1000) * 1000))
  const approved = isApproved ? ', approved' : ''
  return `${id}  ${formatMapping(mapping)}: ${keys.length} deletes held for ${age}${approved}: ${why}`
}
