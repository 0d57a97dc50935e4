import {setMaxListeners} from 'node:events'
import {isTransient} from '../../core/errors.js'
import type {Outage} from '../../core/outage.js'
import {Backoff} from '../../core/time/backoff.js'
import {Wake} from '../../core/time/wake.js'
import type {KvEntry} from '../../core/types.js'
import type {CompleteOptions} from '../complete-options.js'
import {waitForQuiescence} from '../follow/quiescence.js'
import type {MappingWorker, Sides, Standing, Stops} from '../pass/worker.js'
import type {ReplicaEntry} from '../plan/plan.js'
import {forEachStep, runSteps} from '../steps.js'
import type {ReplicationPass} from '../types.js'
import type {Taken, Version} from './node.js'
import {openSides, openWatch} from './open-sides.js'
import {PendingDeletes} from './pending-deletes.js'
import {Retries} from './retries.js'
import {plus, settle} from './settle.js'
import type {ShardSide} from './shard-side.js'
import type {Doubt, SideWatch} from './side-watch.js'
import {Sweeper} from './sweeper.js'

/** Time to wait for the answers to other queries that the same write has ended. */
const settleMs = 2
const retryMs = 60_000
const recoveredMs = 60_000

/**
 * Replicates a mapping with so many keys that listing them for each change would be too slow. Keeps only the
 * ModifyIndexes of both sides (`ShardSide`), and follows parts of the keys (`SideWatch`). A round reads the changed
 * keys of one side, then of the other, and makes a pass over them. An audit compares all keys.
 */
export class ShardLoop {
  readonly #worker: MappingWorker
  readonly #options: CompleteOptions
  readonly #stops: Stops
  readonly #outages: Readonly<Record<'source' | 'destination' | 'pass', Outage>>
  readonly #wake = new Wake()
  readonly #backoff: Backoff
  readonly #source: ShardSide
  readonly #replica: ShardSide
  readonly #sides: readonly [ShardSide, ShardSide]
  readonly #sweepers: readonly [Sweeper, Sweeper]
  readonly #watches: readonly [SideWatch, SideWatch]
  /** Source keys to read again. */
  readonly #retries: Retries
  readonly #pending = new PendingDeletes()
  /** True if the last round or audit has failed. */
  #isFailing = false
  #waitsUntilMs = 0
  #auditAtMs: number
  #auditEndedMs: number
  #auditCostMs = 0
  /** True if a side's Consul store was replaced since the last audit began. */
  #isReplaced = false

  constructor(
    worker: MappingWorker,
    options: CompleteOptions,
    given: {
      readonly stops: Stops
      readonly outages: Readonly<Record<'source' | 'destination' | 'pass', Outage>>
      /** Number of query slots: blocking queries of this mapping that may wait at an agent. */
      readonly placeCount: number
    },
  ) {
    this.#worker = worker
    this.#options = options
    this.#stops = given.stops
    this.#outages = given.outages
    this.#retries = new Retries(options.clock)
    this.#backoff = new Backoff({random: options.destination.random})
    // A round sends many reads at the same time, each of which adds a listener.
    setMaxListeners(0, given.stops.stop)
    const nowMs = options.clock.monotonicMs()
    this.#auditEndedMs = nowMs
    this.#auditAtMs = nowMs + options.auditEveryMs
    const [source, replica] = openSides(worker, options, {placeCount: given.placeCount, signal: given.stops.stop})
    this.#sides = [source, replica]
    this.#source = source
    this.#replica = replica
    worker.onReleased = () => this.#auditSoon(nowMs)
    const on = {onMoved: this.#moved, onDoubt: (kind: Doubt) => this.#doubt(kind)}
    this.#watches = [
      openWatch(source, {...on, onSeen: () => this.#seen(0), options, part: 'source', outage: given.outages.source}),
      openWatch(replica, {
        ...on,
        onSeen: () => this.#seen(1),
        options,
        part: 'destination',
        outage: given.outages.destination,
      }),
    ]
    this.#sweepers = [
      new Sweeper(source, this.#watches[0], options.clock),
      new Sweeper(replica, this.#watches[1], options.clock),
    ]
  }

  /**
   * Starts with source and destination as a replication pass has just left them, and with its decision about deletes.
   * The values in the lists can be freed afterwards. Returns the passes that were made; undefined if the loop was stopped
   * or failed, and both sides must be read again.
   */
  async begin(sides: Sides, standing: Standing): Promise<readonly ReplicationPass[] | undefined> {
    try {
      const settled = await settle(this.#worker, sides, this.#stops)
      if (!settled.pass?.error) {
        await this.#takeOver(settled.sides, 'divide', settled.pass ?? standing)
        return settled.pass ? [settled.pass] : []
      }
    } catch (error) {
      if (!this.#stops.stop.aborted && !isTransient(error)) throw error
    }
    await this.#end()
    return undefined
  }

  /** Yields passes until there are so few keys that whole lists are cheaper. */
  async *passes(): AsyncGenerator<ReplicationPass, void, undefined> {
    const {stop} = this.#stops
    try {
      while (!stop.aborted) {
        await this.#waitForWork()
        this.#worker.monitor.began()
        const pass = await this.#step()
        const isDone = !this.#isFailing && !pass?.error && !stop.aborted
        this.#worker.monitor.ended(isDone && this.#pending.judgeAtMs === Number.POSITIVE_INFINITY)
        if (pass) yield pass
        if (isDone) this.#outages.pass.end()
        if (pass?.error) await this.#rest(pass.error)
        else if (pass) this.#backoff.reset()
        if (Math.max(this.#source.size, this.#replica.size) < this.#options.shardAbove / 2) return
      }
    } catch (error) {
      if (!stop.aborted) throw error
    } finally {
      await this.#end()
    }
  }

  async #end(): Promise<void> {
    for (const watch of this.#watches) watch.stop()
    for (const outage of Object.values(this.#outages)) outage[Symbol.dispose]()
    await Promise.all(this.#watches.map(watch => watch.ended()))
  }

  /** Makes a round or an audit. Resolves with undefined if there was nothing to do or a read failed. */
  async #step(): Promise<ReplicationPass | undefined> {
    this.#isFailing = false
    try {
      const isAuditDue = this.#options.clock.monotonicMs() >= this.#auditAtMs
      return isAuditDue ? await this.#audit() : await this.#round()
    } catch (error) {
      this.#isFailing = true
      if (this.#stops.stop.aborted) return undefined
      await this.#rest(error)
      // If Consul refuses to show one part, the changes in the other parts must still be copied, so everything is
      // compared.
      if (!isTransient(error)) this.#auditAtMs = this.#options.clock.monotonicMs()
      return undefined
    }
  }

  async #rest(error: unknown): Promise<void> {
    this.#outages.pass.fail(error)
    await this.#options.clock.sleep(this.#backoff.next(), this.#stops.stop)
  }

  async #waitForWork(): Promise<void> {
    const {clock, quiescence} = this.#options
    const {stop: signal} = this.#stops
    while (!this.#hasWork()) {
      this.#waitsUntilMs = this.#nextMs()
      const waitMs = Math.max(1, this.#waitsUntilMs - clock.monotonicMs())
      await this.#wake.waitAtMost(waitMs, {clock, signal})
    }
    if (quiescence) await waitForQuiescence(this.#wake, {...quiescence, clock, signal})
    else await clock.sleep(settleMs, signal)
  }

  #hasWork(): boolean {
    return this.#sides.some(side => side.hasMoved) || this.#nextMs() <= this.#options.clock.monotonicMs()
  }

  #nextMs(): number {
    const {verifyAtMs} = this.#replica
    const sweepMs = this.#sweepers.map(({dueAtMs}) => dueAtMs)
    return Math.min(this.#auditAtMs, this.#pending.judgeAtMs, ...sweepMs, verifyAtMs, this.#retries.nextMs)
  }

  async #round(): Promise<ReplicationPass | undefined> {
    const {clock} = this.#options
    const isJudging = this.#pending.judgeAtMs <= clock.monotonicMs()
    try {
      await this.#look(isJudging ? (this.#pending.areMany ? 'all' : 'whole') : 'moved')
    } catch (error) {
      // The changes found so far may be out of date by the time they are compared, so their keys are read again.
      this.#retries.add(this.#takeNames().all, 0)
      throw error
    }
    if (this.#source.isOverflowing || this.#replica.isOverflowing) return await this.#audit()
    const names = this.#takeNames()
    if (names.all.size === 0 && !isJudging) return undefined
    try {
      return await this.#passOf(names, isJudging)
    } catch (error) {
      this.#retries.add(names.all, 0)
      throw error
    }
  }

  /**
   * Reads the changes in the parts whose query has returned. With `whole`, also searches the source for changes that no
   * query shows; with `all`, also reads all parts of the source.
   */
  async #look(how: 'moved' | 'whole' | 'all'): Promise<void> {
    const looks = [this.#source.look(how === 'all' ? this.#source.nodes : undefined), this.#lookAtReplica()]
    for (const result of await Promise.allSettled(looks)) if (result.status === 'rejected') throw result.reason
    const [source, replica] = this.#sweepers
    await source.sweep(how !== 'moved')
    await replica.sweep(false)
    // Reads parts that the same transactions have changed, and parts that the searches above have found.
    for (let more = 0; more < 2 && this.#source.hasMoved; more += 1) await this.#source.look()
  }

  async #lookAtReplica(): Promise<void> {
    await this.#replica.look()
    await this.#replica.verify()
  }

  #takeNames(): Taken {
    const {scope} = this.#worker
    const [source, replica] = [this.#source.changes, this.#replica.changes]
    this.#source.changes = new Map()
    this.#replica.changes = new Map()
    const all = new Set([...source.keys(), ...[...replica.keys()].map(scope.toSource), ...this.#retries.due()])
    this.#retries.remove(all)
    return {source, replica, all}
  }

  async #passOf({source, replica, all}: Taken, isJudging: boolean): Promise<ReplicationPass | undefined> {
    const {scope} = this.#worker
    const names = [...all]
    const unread = names.filter(name => !source.has(name))
    const unreadHere = names.map(scope.toDestination).filter(key => !replica.has(key))
    const [there, here] = await Promise.all([this.#source.reads.keys(unread), this.#replica.reads.keys(unreadHere)])
    const entries: KvEntry[] = []
    const copies = new Map<string, ReplicaEntry>(this.#pending.copies)
    const {count: countBefore} = this.#source
    for (const name of names) {
      const key = scope.toDestination(name)
      const entry = source.get(name) ?? there.entries.get(name)
      const copy = replica.get(key) ?? here.entries.get(key)
      if (entry) entries.push(entry)
      if (copy) copies.set(key, copy)
      else copies.delete(key)
      this.#source.record(name, entry && this.#toVersion(entry))
      this.#replica.record(key, copy && this.#toVersion(copy))
    }
    if (countBefore === 0 && this.#source.count > countBefore)
      this.#pending.judgeSoon(this.#options.clock.monotonicMs())
    const pass = await this.#worker.passPart(
      {
        source: entries,
        replica: copies,
        index: entries.reduce((most, {modifyIndex}) => (modifyIndex > most ? modifyIndex : most), 0n),
        mayDelete: isJudging,
        standing: this.#pending.standing,
        sourceCount: this.#source.count,
        destinationCount: this.#replica.count,
      },
      this.#stops,
    )
    this.#finish({names, entries, copies, isJudging}, pass)
    return pass
  }

  #finish(
    done: {
      readonly names: readonly string[]
      readonly entries: readonly KvEntry[]
      readonly copies: Map<string, ReplicaEntry>
      readonly isJudging: boolean
    },
    pass: ReplicationPass,
  ): void {
    const {scope} = this.#worker
    const {names, copies} = done
    for (const name of names) {
      const key = scope.toDestination(name)
      const copy = copies.get(key)
      this.#replica.recordOwn(key, copy && this.#toVersion(copy))
    }
    for (const key of this.#pending.copies.keys()) if (!copies.has(key)) this.#replica.record(key, undefined)
    const there = new Set(done.entries.map(({key}) => scope.toDestination(key)))
    const candidates = [...copies].filter(([key, copy]) => !there.has(key) && this.#worker.isLeftOver(key, copy))
    const looked = new Set(names.map(scope.toDestination))
    const found = {looked, isJudged: done.isJudging && !pass.error, held: pass.held, hidden: pass.hidden}
    const again = this.#pending.wait(new Map(candidates), found, this.#options.clock.monotonicMs())
    this.#retries.addAgain(again, scope.toSource)
    if (pass.error) this.#retries.add(names, 0)
    for (const {key} of pass.refused) if (looked.has(key)) this.#retries.add([scope.toSource(key)], retryMs)
  }

  #toVersion = (entry: ReplicaEntry): Version => {
    return {modifyIndex: entry.modifyIndex, isForeign: this.#worker.scope.isForeign(entry), bytes: entry.value.length}
  }

  /** Compares all keys, also for changes that no query shows. If the audit fails, the next one is due at once. */
  async #audit(): Promise<ReplicationPass> {
    const startedMs = this.#options.clock.monotonicMs()
    // If a Consul store is replaced from now on, the next audit is made earlier.
    this.#auditAtMs = startedMs + this.#options.auditEveryMs
    const isReplaced = this.#isReplaced
    this.#isReplaced = false
    let isDone = false
    try {
      const pass = await this.#compareAll(startedMs, isReplaced)
      isDone = pass.error === undefined
      return pass
    } finally {
      if (!isDone) {
        this.#auditAtMs = startedMs
        this.#isReplaced ||= isReplaced
      }
    }
  }

  async #compareAll(startedMs: number, isReplaced: boolean): Promise<ReplicationPass> {
    const read = await this.#worker.readSides(this.#stops.stop)
    const first = await this.#worker.pass(read, this.#stops)
    if (first.error) return first
    const {sides, pass: more} = await settle(this.#worker, read, this.#stops)
    const pass = more ? plus(first, more) : first
    if (pass.error) return pass
    await this.#takeOver(sides, this.#source.isUneven || this.#replica.isUneven ? 'divide' : 'reset', pass)
    // A query that paused during the audit may wait for an index of the old store, which the new store may reach much
    // later.
    if (isReplaced) this.#watchAgain()
    for (const {key} of pass.refused) this.#retries.add([this.#worker.scope.toSource(key)], retryMs)
    this.#auditEndedMs = this.#options.clock.monotonicMs()
    this.#auditCostMs = this.#auditEndedMs - startedMs
    return pass
  }

  async #takeOver(sides: Sides, how: 'divide' | 'reset', standing: Standing): Promise<void> {
    const {scope} = this.#worker
    const {source, replica} = sides
    const there = new Set<string>()
    const versions: (readonly [string, Version])[] = []
    const copies: (readonly [string, Version])[] = []
    await this.#forEach(source.value, entry => {
      there.add(scope.toDestination(entry.key))
      versions.push([entry.key, this.#toVersion(entry)])
    })
    await this.#forEach(replica, ([key, copy]) => copies.push([key, this.#toVersion(copy)]))
    await this.#source[how](versions, source.index ?? 0n)
    await this.#replica[how](copies, sides.replicaIndex)
    this.#retries.clear()
    this.#pending.hold(standing)
    const left = new Map<string, ReplicaEntry>()
    await this.#forEach(replica, ([key, copy]) => {
      if (!there.has(key) && this.#worker.isLeftOver(key, copy)) left.set(key, copy)
    })
    this.#retries.addAgain(this.#pending.restart(left, this.#options.clock.monotonicMs()), scope.toSource)
    if (how === 'divide') this.#watchAgain()
  }

  #forEach<T>(items: Iterable<T>, handle: (item: T) => void): Promise<void> {
    return runSteps(forEachStep(items, handle), this.#options.clock, this.#stops.stop)
  }

  #watchAgain(): void {
    for (const watch of this.#watches) watch.start()
  }

  #doubt(kind: Doubt): void {
    if (kind === 'replaced') this.#isReplaced = true
    const leastMs = kind === 'recovered' ? recoveredMs : 2 * settleMs + 300
    const earliestMs = this.#auditEndedMs + Math.max(leastMs, 5 * this.#auditCostMs)
    const atMs = Math.max(this.#options.clock.monotonicMs() + 300, earliestMs)
    if (atMs < this.#auditAtMs) this.#auditSoon(atMs)
  }

  #auditSoon(atMs: number): void {
    this.#auditAtMs = atMs
    this.#wake.wake()
  }

  /** An answer that shows nothing new may hide a change, which is searched for later. */
  #seen(at: 0 | 1): void {
    this.#sweepers[at].noticeChange()
    if (this.#nextMs() < this.#waitsUntilMs) this.#wake.wake()
  }

  readonly #moved = (): void => {
    this.#worker.monitor.moved()
    this.#wake.wake()
  }
}
