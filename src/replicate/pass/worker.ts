import {messageOf} from '../../core/errors.js'
import type {BlockingReadOptions} from '../../core/types.js'
import type {CompleteOptions} from '../complete-options.js'
import {type CarryOutContext, carryOutApprovals} from '../held/carry-out.js'
import {DeleteCounter} from '../held/delete-counter.js'
import {HeldBook} from '../held/held-book.js'
import {type DeleteVerdict, judgeDeletes, noDeletes} from '../plan/judge-deletes.js'
import {createKeyScope, type KeyScope} from '../plan/key-scope.js'
import {type Left, type Plan, planSteps, type ReplicaEntry} from '../plan/plan.js'
import {MappingMonitor} from '../status/monitor.js'
import type {ReplicatorReport} from '../status/replicator-report.js'
import {StatusKeeper} from '../status/status-keeper.js'
import {forEachStep, runSteps, type Steps} from '../steps.js'
import type {Mapping, Refused, ReplicationPass, ReplicationPreview} from '../types.js'
import {readHolds, removeHold, type UndoHold} from '../undo/hold-store.js'
import {DriftBook} from './drift-book.js'
import {KeyWriter} from './key-writer.js'
import {listEntries} from './list-entries.js'
import type {Part, PlanFacts, Sides, SourceSnapshot, Stops} from './sides.js'

export type {Sides, SourceSnapshot, Standing, Stops} from './sides.js'

interface CarriedOut {
  readonly pass: ReplicationPass
  readonly verdict: DeleteVerdict
  readonly refusedSets: readonly Refused[]
  readonly changed: readonly string[]
}

/**
 * Replicates one mapping: reads source and destination, plans a replication pass and carries it out. Passes of one
 * worker never overlap.
 */
export class MappingWorker {
  readonly mapping: Mapping
  readonly monitor: MappingMonitor
  readonly #options: CompleteOptions
  readonly #scope: KeyScope
  readonly #writer: KeyWriter
  readonly #status: StatusKeeper
  readonly #book: HeldBook
  readonly #counter: DeleteCounter
  /** Lists that were read from the leader although the options permit answers of other servers. */
  readonly #leaders = new WeakSet<SourceSnapshot>()
  /** Undo holds: keys that an undo has restored and that must be left alone. */
  #holds: readonly UndoHold[] = []
  #left: Left = new Map()
  #passes = 0
  readonly #drift: DriftBook | undefined
  /** Called when keys that an undo has restored may be changed again. */
  onReleased: () => void = () => {}

  constructor(options: CompleteOptions, mapping: Mapping) {
    this.mapping = mapping
    this.monitor = new MappingMonitor(mapping, options.clock)
    this.#options = options
    const {filters, lockKeys, statusDir} = options
    this.#scope = createKeyScope({mapping, filters, lockKeys, statusDir})
    this.#status = new StatusKeeper(options, mapping)
    this.#book = new HeldBook(options, mapping)
    const {destination: client, deleteBudget: budget, onDrift} = options
    this.#drift = onDrift === 'repair' ? undefined : new DriftBook(onDrift)
    this.#writer = new KeyWriter(options, mapping, this.#drift)
    this.#counter = new DeleteCounter({client, key: this.#book.paths.spent, budget})
  }

  readSource(options: BlockingReadOptions): Promise<SourceSnapshot> {
    const {source, sourceCall, compress} = this.#options
    return listEntries(source, this.mapping.source, {...sourceCall(this.mapping), ...options}, compress.source)
  }

  /**
   * Reads the destination consistently, so that the list contains every earlier write. A follower or a
   * restarted leader may lack some.
   */
  async readReplica(signal: AbortSignal): Promise<Pick<Sides, 'replica' | 'replicaIndex'>> {
    const {destination, compress} = this.#options
    const call = {signal, consistency: 'consistent'} as const
    const {value, index} = await listEntries(destination, this.mapping.destination, call, compress.destination)
    const replica = new Map<string, ReplicaEntry>()
    await this.#run(
      forEachStep(value, entry => replica.set(entry.key, entry)),
      signal,
    )
    return {replica, replicaIndex: index ?? 0n}
  }

  async readSides(signal: AbortSignal): Promise<Sides> {
    const {maxStaleMs} = this.#options
    const consistency = maxStaleMs > 0 ? 'stale' : 'consistent'
    const [source, replica] = await Promise.all([this.readSource({signal, consistency}), this.readReplica(signal)])
    const isTooOld = maxStaleMs > 0 && (source.lastContactMs ?? 0) > maxStaleMs
    return {source: isTooOld ? await this.readSource({signal}) : source, ...replica}
  }

  /** Makes the deletes that an operator has approved. */
  carryOutApprovals(stops: Stops): Promise<number> {
    return carryOutApprovals(this.approvals(stops))
  }

  approvals(stops: Stops): CarryOutContext {
    const onDeleted = (count: number): void => this.monitor.deleted(count)
    return {options: this.#options, mapping: this.mapping, scope: this.#scope, book: this.#book, onDeleted, ...stops}
  }

  /** Reads the undo holds, which say which restored keys must be left alone from now on. */
  async loadHolds(signal: AbortSignal): Promise<void> {
    const {destination, statusDir, observer} = this.#options
    const before = this.#left
    this.#holds = await readHolds(destination, statusDir, this.mapping, {signal})
    this.#left = new Map(this.#holds.flatMap(({keys}) => [...keys]))
    const count = this.#left.size
    if (count > before.size) observer({type: 'undo.noticed', mapping: this.mapping, count})
    if ([...before.keys()].some(key => !this.#left.has(key))) this.onReleased()
  }

  /** Reads the index up to which an earlier run has copied, if the drift rule needs it. */
  async loadPosition(signal: AbortSignal): Promise<void> {
    if (this.#drift) this.#drift.startAt(await this.position(signal))
  }

  /** Resolves with the index in the status key: every change of the source up to this index was copied. */
  position(signal: AbortSignal): Promise<bigint | undefined> {
    return this.#status.position(signal)
  }

  /** True if a destination key that is missing at the source should be deleted, unless the delete is held back. */
  isLeftOver(key: string, copy: ReplicaEntry): boolean {
    // An undo has restored the key, so it is left alone.
    if (this.#left.get(key) === 0n || !this.#options.canDelete || this.#scope.isForeign(copy)) return false
    return this.#scope.includes(this.#scope.toSource(key)) && this.#drift?.isDrift(key, undefined) !== true
  }

  /** Writes the report of this replicator about the mapping. */
  report(report: ReplicatorReport, signal: AbortSignal): Promise<unknown> {
    return this.#status.report(report, signal)
  }

  /** Returns what a pass would do. Writes nothing. */
  async preview(sides: Sides, signal: AbortSignal): Promise<ReplicationPreview> {
    const plan = await this.#plan(sides, signal)
    const facts = {replica: sides.replica, isLeaders: this.#isLeaders(sides.source)}
    const verdict = await this.#judge(plan, facts, {signal, isForReal: false})
    return {
      mapping: this.mapping,
      index: sides.source.index ?? 0n,
      changes: [
        ...plan.sets.map(({kind, key, differs}) => ({kind, key, differs})),
        ...verdict.go.map(key => ({kind: 'delete' as const, key, differs: undefined})),
      ],
      unchanged: plan.unchanged,
      skipped: plan.skipped,
      unreadable: plan.unreadable,
      drifted: plan.drifted,
      hidden: verdict.hidden,
      held: verdict.held,
    }
  }

  /**
   * Writes changed keys, then makes the deletes that are not held back, then writes the status. Rejects only if the
   * source cannot be read.
   */
  async pass(sides: Sides, stops: Stops): Promise<ReplicationPass> {
    const startedMs = this.#options.clock.monotonicMs()
    const plan = await this.#plan(sides, stops.kill)
    const {replica, source} = sides
    const isLeaders = this.#isLeaders(source)
    const facts = {plan, replica, index: source.index ?? 0n, isLeaders, mayDelete: true, startedMs}
    const {pass, verdict, refusedSets, changed} = await this.#carryOut(facts, stops)
    const isWhole = pass.error === undefined && pass.written + refusedSets.length + changed.length === plan.sets.length
    if (!isWhole) return pass
    this.#drift?.looked()
    if (plan.left === 0 && isLeaders) await this.#forgetHolds(stops.kill)
    return {...pass, error: await this.#keepStatus({sides, plan, verdict, refusedSets, stops})}
  }

  /** Removes all undo holds. Called when the source has changed all of their keys since the undo. */
  async #forgetHolds(signal: AbortSignal): Promise<void> {
    const {destination, statusDir, logger} = this.#options
    const holds = this.#holds
    this.#holds = []
    this.#left = new Map()
    try {
      for (const hold of holds) await removeHold(destination, statusDir, hold, {signal})
    } catch (error) {
      logger.debug({component: 'replicate', problem: messageOf(error)}, 'undone keys not forgotten')
    }
  }

  get scope(): KeyScope {
    return this.#scope
  }

  /**
   * Compares only some keys. Does not write the status, which concerns all keys. Reports what is still held, hidden or
   * refused of all keys.
   */
  async passPart(part: Part, stops: Stops): Promise<ReplicationPass> {
    const startedMs = this.#options.clock.monotonicMs()
    const {index, replica, mayDelete, standing, sourceCount, destinationCount} = part
    const some = await this.#run(planSteps(part.source, replica, this.#scope, this.#ways), stops.kill)
    const unchanged = Math.max(0, sourceCount - some.sets.length)
    const plan = {...some, unchanged, sourceCount, destinationCount}
    const facts = {plan, replica, index, isLeaders: true, mayDelete, startedMs, standing}
    return (await this.#carryOut(facts, stops)).pass
  }

  async #carryOut(facts: PlanFacts, stops: Stops): Promise<CarriedOut> {
    const {clock} = this.#options
    const {plan, replica, standing} = facts
    const written = await this.#writer.set(plan.sets, replica, stops)
    const mayDelete = facts.mayDelete && written.error === undefined && !stops.stop.aborted
    const verdict = mayDelete
      ? await this.#judge(plan, facts, {signal: stops.kill, isForReal: true})
      : {...noDeletes, ...standing}
    this.#passes += 1
    const gone = await this.#writer.delete(verdict.go, replica, stops)
    if (gone.error === undefined) for (const id of verdict.approvals) this.#options.approved.delete(id)
    const pass = {
      mapping: this.mapping,
      index: facts.index,
      written: written.count,
      deleted: gone.count,
      unchanged: plan.unchanged,
      skipped: plan.skipped,
      unreadable: plan.unreadable,
      drifted: [...plan.drifted, ...written.changed, ...gone.changed],
      hidden: verdict.hidden,
      held: verdict.held,
      refused: standing ? this.#writer.refused() : [...written.refused, ...gone.refused],
      error: written.error ?? gone.error,
      durationMs: clock.monotonicMs() - facts.startedMs,
    }
    this.monitor.passed(pass, plan.sourceCount)
    return {pass, verdict, refusedSets: written.refused, changed: written.changed}
  }

  /**
   * Plans a pass. If the plan has deletes, and the source's list did not come from its leader, reads the list again
   * from the leader, because only such a list can justify deletes.
   */
  async #plan(sides: Sides, signal: AbortSignal): Promise<Plan> {
    this.#drift?.look(sides.source.index ?? 0n)
    const plan = await this.#compare(sides, signal)
    if (plan.deletes.length === 0 || !this.#options.canDelete || this.#isLeaders(sides.source)) return plan
    sides.source = await this.readSource({signal, consistency: 'consistent'})
    this.#leaders.add(sides.source)
    return this.#compare(sides, signal)
  }

  #compare(sides: Sides, signal: AbortSignal): Promise<Plan> {
    return this.#run(planSteps(sides.source.value, sides.replica, this.#scope, this.#ways), signal)
  }

  get #ways(): {readonly left: Left; readonly drift: DriftBook | undefined} {
    return {left: this.#left, drift: this.#drift}
  }

  #run<T>(steps: Steps<T>, signal: AbortSignal): Promise<T> {
    return runSteps(steps, this.#options.clock, signal)
  }

  /**
   * True if the list was requested from the leader and answered by it. The answer alone proves nothing,
   * because a follower that has just started may answer like a leader.
   */
  #isLeaders(source: SourceSnapshot): boolean {
    const isAsked = this.#options.maxStaleMs === 0 || this.#leaders.has(source)
    return isAsked && source.knownLeader === true && source.lastContactMs === 0
  }

  #judge(
    plan: Plan,
    {replica, isLeaders}: Pick<PlanFacts, 'replica' | 'isLeaders'>,
    how: {readonly signal: AbortSignal; readonly isForReal: boolean},
  ): Promise<DeleteVerdict> {
    return judgeDeletes({
      options: this.#options,
      mapping: this.mapping,
      scope: this.#scope,
      plan,
      replica,
      isLeaders,
      book: this.#book,
      counter: this.#counter,
      approveAll: this.#passes === 0 && this.#options.approved.has('all'),
      ...how,
    })
  }

  /** Writes the status. The index in it never covers a key that is missing at the destination. */
  async #keepStatus(facts: {
    readonly sides: Sides
    readonly plan: Plan
    readonly verdict: DeleteVerdict
    readonly refusedSets: readonly Refused[]
    readonly stops: Stops
  }): Promise<Error | undefined> {
    const {sides, plan, verdict, refusedSets, stops} = facts
    const {source} = sides
    const missing = new Set(refusedSets.map(({key}) => key))
    const oldest = plan.sets.find(change => missing.has(change.key))?.entry.modifyIndex
    const index = source.index ?? 0n
    const isPartial = verdict.hidden > 0 || source.filteredByAcls
    return this.#status.keep(
      {
        lastReplicated: oldest === undefined || oldest > index ? index : oldest - 1n,
        datacenter: this.mapping.datacenter,
        keys: plan.sourceCount,
      },
      {signal: stops.kill, keepPosition: isPartial},
    )
  }
}
