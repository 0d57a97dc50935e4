import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {durationFlag} from '../../src/cli/flags.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {undoDirectory} from '../../src/cli/replicate/compile.js'
import {undoDirFlag} from '../../src/cli/replicate/flags.js'
import {checkWords, destinationOf, ofMapping, statusDirFlag} from '../../src/cli/replicate/sub-verb.js'
import {passLines, undoLines, undoSummary} from '../../src/cli/replicate/undo-text.js'
import {brief} from '../../src/core/brief.js'
import {UsageError} from '../../src/core/errors.js'
import {systemClock} from '../../src/core/time/clock.js'
import {releaseHolds} from '../../src/replicate/undo/hold-store.js'
import {type JournalPass, readJournal} from '../../src/replicate/undo/read-journal.js'
import {undoPasses} from '../../src/replicate/undo/undo-passes.js'

export default class ReplicateUndo extends ConsulCommand<typeof ReplicateUndo> {
  static override summary = 'restore what passes have overwritten and deleted'
  static override exitMeanings = {
    0: 'restored, released or listed',
    1: 'some keys were changed since, or refused, and stay as they are; there is nothing to undo or release',
  }
  static override description =
    `Without --since or --pass it lists the passes that can be undone: those that ran on this machine within the last
24 h (--undo-keep of baton replicate). A key is restored only if it still has what the passes wrote. Keys that they
created stay. Replicators that run learn that first, and leave the restored keys alone until the source changes them, or
--release ends it.`
  static override usage = [
    'replicate undo [SOURCE@DC[:DESTINATION]] [FLAGS]',
    'replicate undo [SOURCE@DC[:DESTINATION]] --since DURATION [FLAGS]',
    'replicate undo --pass ID [FLAGS]',
    'replicate undo --release ID|all [FLAGS]',
  ]
  static override examples = [
    '<%= config.bin %> replicate undo',
    '<%= config.bin %> replicate undo --since 10m --dry-run',
    '<%= config.bin %> replicate undo --release all',
  ]
  static override strict = false
  static override enableJsonFlag = true
  static override args = {mapping: Args.string({ignoreStdin: true, description: 'SOURCE@DC[:DESTINATION]'})}
  static override flags = {
    since: durationFlag({description: 'undo the passes of this time', max: Number.POSITIVE_INFINITY}),
    pass: Flags.string({description: 'undo this pass', helpValue: 'ID'}),
    release: Flags.string({description: 'let replicators change the keys of this undo again', helpValue: 'ID|all'}),
    'dry-run': Flags.boolean({description: 'show what would be restored, and write nothing'}),
    'status-dir': statusDirFlag,
    'undo-dir': undoDirFlag(),
  }

  protected override get aclTargets(): readonly string[] {
    return [destinationOf(this.words)]
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    checkWords('undo', this.words, 1)
    const {since, pass, release} = this.flags
    if ([since, pass, release].filter(value => value !== undefined).length > 1) {
      throw new UsageError('replicate undo: --since, --pass and --release contradict each other')
    }
    if (release !== undefined) return this.#release(release)
    if (this.flags['dry-run'] && since === undefined && pass === undefined) {
      throw new UsageError('replicate undo: --dry-run: only with --since or --pass')
    }
    const client = this.openClient()
    const all = await readJournal(undoDirectory(this.flags, this.host.env))
    const here = ofMapping(all, this.args.mapping).filter(({address}) => address === client.address)
    if (all.length > here.length && this.args.mapping === undefined) {
      this.out.warn(
        `${all.length - here.length} passes were written to another address than ${client.address}: left out`,
      )
    }
    return since === undefined && pass === undefined ? this.#list(here) : await this.#undo(client, this.#chosen(here))
  }

  #list(passes: readonly JournalPass[]): number {
    if (this.jsonEnabled()) {
      this.out.json({
        passes: passes.map(({pass, mapping, atMs, lines}) => ({
          pass,
          mapping,
          at: new Date(atMs).toISOString(),
          overwritten: lines.filter(({written}) => written !== undefined).length,
          deleted: lines.filter(({written}) => written === undefined).length,
        })),
      })
      return 0
    }
    for (const line of passLines(passes, systemClock.wallMs())) this.out.line(line)
    if (passes.length > 0) return 0
    if (this.args.mapping === undefined) this.out.say('no pass can be undone')
    else this.out.warn(`replicate undo: no pass of ${brief(this.args.mapping)} can be undone`)
    return this.args.mapping === undefined ? 0 : 1
  }

  #chosen(passes: readonly JournalPass[]): readonly JournalPass[] {
    const {since, pass} = this.flags
    if (pass === undefined) return passes.filter(({atMs}) => atMs >= systemClock.wallMs() - (since ?? 0))
    const chosen = passes.filter(each => each.pass === pass)
    if (chosen.length > 0) return chosen
    throw new UsageError(`replicate undo: --pass: '${brief(pass)}' is not kept`, {
      hint: 'baton replicate undo lists what is',
    })
  }

  async #undo(client: ReturnType<ConsulCommand['openClient']>, passes: readonly JournalPass[]): Promise<number> {
    const isDryRun = (this.flags['dry-run'] as boolean | undefined) ?? false
    const statusDir = this.flags['status-dir']
    const result = await undoPasses(client, {passes, statusDir, isDryRun, signal: this.stopSignal})
    if (this.jsonEnabled()) this.out.json({dryRun: isDryRun, hold: result.holdId ?? null, keys: result.keys})
    else {
      for (const line of undoLines(result.keys, isDryRun)) this.out.line(line)
      this.out.warn(undoSummary(result, isDryRun))
    }
    const isWhole = result.keys.every(({outcome}) => outcome === 'restored' || outcome === 'same')
    return isWhole && result.keys.length > 0 ? 0 : 1
  }

  async #release(release: string): Promise<number> {
    if (release !== 'all' && !/^[0-9a-f]{8}$/.test(release)) {
      throw new UsageError(`replicate undo: --release: '${brief(release)}' is neither the id of an undo nor 'all'`)
    }
    const place = {statusDir: this.flags['status-dir'], id: release === 'all' ? undefined : release}
    const released = await releaseHolds(this.openClient(), place, {signal: this.stopSignal})
    if (this.jsonEnabled()) this.out.json({released})
    else
      this.out.warn(released === 0 ? 'nothing is left alone because of an undo' : 'released: the next pass copies them')
    return released === 0 ? 1 : 0
  }
}
