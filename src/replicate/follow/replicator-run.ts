import {setMaxListeners} from 'node:events'
import {lateSignal} from '../../core/cancel/late-signal.js'
import {linkSignal} from '../../core/cancel/link-signal.js'
import {isBatonError} from '../../core/errors.js'
import {begin} from '../begin.js'
import {watchApprovals} from '../held/watch-approvals.js'
import {byDestination, type Member} from '../members.js'
import type {Stops} from '../pass/worker.js'
import {keepReporting} from '../status/heartbeat.js'
import type {ReplicationPass} from '../types.js'
import {watchHolds} from '../undo/watch-holds.js'
import {followMapping} from './follow-mapping.js'
import {Merge} from './merge-iterables.js'

interface Running {
  readonly member: Member
  /** Resolves when the transactions of the mapping are finished and its last report is written. */
  stop(): Promise<void>
}

/**
 * Follows the mappings until the signal aborts. Mappings can be replaced one by one while the run
 * continues.
 */
export class ReplicatorRun {
  readonly #link: ReturnType<typeof linkSignal>
  readonly #merge = new Merge<ReplicationPass>()
  #running: readonly Running[] = []

  constructor(signal: AbortSignal) {
    this.#link = linkSignal(signal)
    // Each mapping adds a listener, so the number of listeners is not limited.
    setMaxListeners(0, this.#link.signal)
  }

  get #signal(): AbortSignal {
    return this.#link.signal
  }

  async *passes(members: readonly Member[]): AsyncGenerator<ReplicationPass, void, undefined> {
    const passes = this.#merge.values()
    try {
      await this.#start(members)
      for (let turn = await passes.next(); !turn.done; turn = await passes.next()) {
        const {error} = turn.value
        if (isBatonError(error, 'BATON_LOCK_LOST')) throw error
        yield turn.value
      }
    } catch (error) {
      if (!this.#signal.aborted) throw error
    } finally {
      const stopping = this.#running.map(each => each.stop())
      await passes.return()
      await Promise.all(stopping)
      this.#link[Symbol.dispose]()
    }
  }

  /**
   * Ends the mappings that are not among the given ones, and starts those that are not followed yet. All
   * others continue.
   */
  async replace(members: readonly Member[]): Promise<void> {
    using _open = this.#merge.keepOpen()
    const isWanted = ({member}: Running): boolean => members.includes(member)
    const ending = this.#running.filter(each => !isWanted(each))
    this.#running = this.#running.filter(isWanted)
    await Promise.all(ending.map(each => each.stop()))
    await this.#start(members.filter(member => !this.#running.some(each => each.member === member)))
  }

  async #start(members: readonly Member[]): Promise<void> {
    await begin(members, {signal: this.#signal, attempts: Number.POSITIVE_INFINITY})
    for (const group of byDestination(members)) {
      const holds = new HoldsOf(group, this.#signal)
      this.#running = [...this.#running, ...group.map(member => this.#follow(member, holds))]
    }
  }

  #follow(member: Member, holds: HoldsOf): Running {
    const {worker, options} = member
    const link = linkSignal(this.#signal)
    const late = lateSignal(link.signal, {lateMs: options.graceMs, clock: options.clock})
    const stops: Stops = {stop: link.signal, kill: late.signal}
    const helpers = [watchApprovals(worker.approvals(stops)), keepReporting(worker, options, stops)]
    let end = (): void => {}
    const ended = new Promise<void>(resolve => (end = resolve))
    this.#merge.add(withEnd(() => followMapping(worker, options, stops), end))
    const stop = async (): Promise<void> => {
      link.abort(undefined)
      await Promise.all([ended, ...helpers, holds.leave()])
      late[Symbol.dispose]()
      link[Symbol.dispose]()
    }
    let stopping: Promise<void> | undefined
    return {member, stop: () => (stopping ??= stop())}
  }
}

async function* withEnd<T>(open: () => AsyncGenerator<T, void>, end: () => void): AsyncGenerator<T, void, undefined> {
  try {
    yield* open()
  } finally {
    end()
  }
}

/**
 * Follows the notices that undos have restored keys, for mappings that started together, until the last of these
 * mappings has ended.
 */
class HoldsOf {
  readonly #link: ReturnType<typeof linkSignal>
  readonly #ended: Promise<void>
  #count: number

  constructor(members: readonly Member[], signal: AbortSignal) {
    this.#count = members.length
    this.#link = linkSignal(signal)
    const [first] = members
    const workers = members.map(({worker}) => worker)
    this.#ended = first ? watchHolds(workers, first.options, this.#link.signal) : Promise.resolve()
  }

  async leave(): Promise<void> {
    this.#count -= 1
    if (this.#count > 0) return
    this.#link.abort(undefined)
    await this.#ended
    this.#link[Symbol.dispose]()
  }
}
