import {Wake} from '../time/wake.js'
import type {Snapshot} from '../types.js'
import type {Change} from './diff.js'
import type {Entries} from './entries.js'
import type {Frame, FrameBody, ResumeToken, SubscribeOptions, ViewEntry, ViewStatus} from './types.js'
import type {ViewLog} from './view-log.js'

/** The parts of a view that its readers use. */
export interface ViewCore<T, Item> {
  readonly current: Snapshot<T> | undefined
  readonly entries: Entries<Item>
  readonly log: ViewLog<Item>
  readonly epoch: number
  readonly status: ViewStatus
}

/**
 * A reader that iterates over a view. Every new snapshot and every new status wakes the reader. While waiting, the
 * reader holds no reference to a snapshot, so that old snapshots can be freed.
 */
export abstract class Reader<T, Item> {
  protected readonly core: ViewCore<T, Item>
  readonly #onEnd: (reader: Reader<T, Item>) => void
  #isClosed = false
  readonly #woken = new Wake()

  constructor(core: ViewCore<T, Item>, onEnd: (reader: Reader<T, Item>) => void) {
    this.core = core
    this.#onEnd = onEnd
  }

  wake(): void {
    this.#woken.wake()
  }

  close(): void {
    this.#isClosed = true
    this.wake()
  }

  protected end(): void {
    this.#onEnd(this)
  }

  /** False if the iteration has ended. Throws the error that made the view fail. */
  protected isOpen(): boolean {
    if (this.core.status.state === 'failed') throw this.core.status.error
    return !this.#isClosed
  }

  protected sleep(): Promise<void> {
    return this.#woken.wait()
  }
}

export class SnapshotReader<T, Item> extends Reader<T, Item> {
  async *read(): AsyncGenerator<Snapshot<T>, void, undefined> {
    let seenSeq: number | undefined
    try {
      while (this.isOpen()) {
        const {current, log} = this.core
        if (current === undefined || log.headSeq === seenSeq) await this.sleep()
        else {
          seenSeq = log.headSeq
          yield current
        }
      }
    } finally {
      this.end()
    }
  }
}

export interface FrameReaderOptions<T, Item> extends SubscribeOptions<Item> {
  readonly onToken: (token: ResumeToken) => void
  readonly onEnd: (reader: Reader<T, Item>) => void
}

type Reason = Extract<FrameBody<unknown>, {type: 'new-snapshot-to-follow'}>['reason']

/**
 * Returns equal texts for statuses that count as the same state. An unreachable agent counts as a state of
 * its own.
 */
export const toMark = (status: ViewStatus): string =>
  status.state === 'connecting' && status.error !== undefined ? 'unreachable' : status.state

/**
 * Delivers the view's snapshot, then later changes from the view's log. The reader keeps its position in the log as a
 * number. If the log no longer contains all changes since the snapshot, the reader drops the snapshot and starts again
 * with the newest one. Data is delivered before a status.
 */
export class FrameReader<T, Item> extends Reader<T, Item> {
  readonly #filter: SubscribeOptions<Item>['filter']
  readonly #onToken: (token: ResumeToken) => void
  #place: ResumeToken | undefined
  #nextReason: Reason
  #walk: {readonly at: ResumeToken; readonly entries: Iterator<ViewEntry<Item>>} | undefined
  /** The status that was delivered last, as {@link toMark} represents it. */
  #delivered = 'connecting'

  constructor(core: ViewCore<T, Item>, options: FrameReaderOptions<T, Item>) {
    super(core, options.onEnd)
    this.#filter = options.filter
    this.#onToken = options.onToken
    this.#place = options.resume
    this.#nextReason = options.resume ? 'resume-miss' : 'initial'
  }

  override wake(): void {
    if (this.#walk && !this.#canContinue(this.#walk.at)) this.#walk = undefined
    super.wake()
  }

  async *read(): AsyncGenerator<Frame<Item>, void, undefined> {
    try {
      yield* this.#frames()
    } finally {
      this.#walk = undefined
      this.end()
    }
  }

  async *#frames(): AsyncGenerator<Frame<Item>, void, undefined> {
    while (this.isOpen()) {
      const {core} = this
      if (core.current !== undefined && !this.#canContinue(this.#place)) {
        yield* this.#snapshot(core.current)
        continue
      }
      const batch = core.current && core.log.after(this.#place?.seq ?? 0)
      if (batch) {
        this.#nextReason = 'lagged'
        yield* this.#batch(batch.changes, {epoch: core.epoch, seq: batch.seq})
      } else if (toMark(core.status) !== this.#delivered) {
        this.#delivered = toMark(core.status)
        yield {type: 'status', status: core.status, ...this.#head()}
      } else await this.sleep()
    }
  }

  *#batch(changes: readonly Change<Item>[], at: ResumeToken): Generator<Frame<Item>> {
    const frames = changes.flatMap(change => this.#filtered(change) ?? [])
    for (const frame of frames.slice(0, -1)) yield {...frame, ...at}
    this.#arrive(at)
    const last = frames.at(-1)
    if (last) yield {...last, ...at}
  }

  *#snapshot(current: Snapshot<T>): Generator<Frame<Item>> {
    const at = this.#head()
    const reason = this.#nextReason === 'lagged' && this.#place?.epoch !== at.epoch ? 'reset' : this.#nextReason
    this.#nextReason = 'lagged'
    this.#place = at
    let count = 0
    this.#walk = {at, entries: this.core.entries.values()}
    yield {type: 'new-snapshot-to-follow', reason, ...at}
    for (let next = this.#nextOfWalk(); next?.done === false; next = this.#nextOfWalk()) {
      const {key, item} = next.value
      if (this.#filter && !this.#filter(item, key)) continue
      count += 1
      yield {type: 'upsert', key, item, previous: undefined, ...at}
    }
    if (!this.#endWalk()) return
    this.#arrive(at)
    yield {type: 'end-of-snapshot', index: current.index, count, ...at}
  }

  #nextOfWalk(): IteratorResult<ViewEntry<Item>> | undefined {
    return this.#walk?.entries.next()
  }

  /**
   * Ends the delivery of the snapshot. Returns false if the snapshot was dropped before it was
   * delivered completely.
   */
  #endWalk(): boolean {
    const isWhole = this.#walk !== undefined
    this.#walk = undefined
    return isWhole
  }

  /**
   * Returns the change as this reader sees it: an item that starts to match the reader's filter is reported
   * as new, and one that no longer matches is reported as deleted.
   */
  #filtered(change: Change<Item>): Change<Item> | undefined {
    const filter = this.#filter
    if (!filter || change.type === 'gap') return change
    const {key, previous} = change
    const wasShown = previous !== undefined && filter(previous, key)
    if (change.type === 'upsert' && filter(change.item, key))
      return wasShown ? change : {...change, previous: undefined}
    return wasShown ? {type: 'delete', key, previous} : undefined
  }

  #canContinue(place: ResumeToken | undefined): boolean {
    return place !== undefined && place.epoch === this.core.epoch && this.core.log.reaches(place.seq)
  }

  #arrive(at: ResumeToken): void {
    this.#place = at
    this.#onToken(at)
  }

  #head(): ResumeToken {
    return {epoch: this.core.epoch, seq: this.core.log.headSeq}
  }
}
