import {messageOf} from '../../core/errors.js'
import type {Clock} from '../../core/types.js'
import type {Mapping, MappingStatus, ReplicationPass, RetryingPart} from '../types.js'

/** A failure that is shorter than this is not shown. */
const noticedMs = 1500
const longestReason = 300

interface Failure {
  readonly sinceMs: number
  readonly error: unknown
}

/** The counts that the latest replication passes of a mapping have reported. */
type Left = Pick<MappingStatus, 'keys' | 'held' | 'refused' | 'hidden' | 'skipped' | 'index'>

const nothingLeft: Left = {keys: 0, held: 0, refused: 0, hidden: 0, skipped: 0, index: 0n}

/**
 * Measures how current one mapping is. The loop that follows the mapping calls the methods below, and each answer of
 * source or destination is also reported:
 *
 *     moved     something has changed that is not at the destination yet
 *     began     a pass begins, which copies all changes so far
 *     ended     the pass has ended; if it was not complete, its changes still have to be copied
 *
 * The mapping is behind from the first change that no complete pass has copied. While the source, the destination or
 * the writing fails, it is behind from the last time at which everything was known to be copied.
 */
export class MappingMonitor {
  /** Called when the state has changed. Most passes leave it unchanged. */
  onTurn: () => void = () => {}
  readonly #mapping: Mapping
  readonly #clock: Clock
  readonly #failures = new Map<RetryingPart, Failure>()
  readonly #totals = {passes: 0, failedPasses: 0, written: 0, deleted: 0}
  #left: Left = nothingLeft
  #movedMs: number | undefined
  #takenMs: number | undefined
  #beganMs = 0
  /** Time at which the source last answered. Later changes may be unknown yet. */
  #sourceMs: number | undefined
  #currentMs: number | undefined
  #equalMs: number | undefined
  #lastPassMs = 0
  #turn = ''

  constructor(mapping: Mapping, clock: Clock) {
    this.#mapping = mapping
    this.#clock = clock
  }

  moved(): void {
    this.#movedMs ??= this.#clock.monotonicMs()
  }

  began(): void {
    this.#beganMs = this.#clock.monotonicMs()
    this.#takenMs ??= this.#movedMs
    this.#movedMs = undefined
  }

  ended(isWhole: boolean): void {
    if (isWhole) {
      this.#takenMs = undefined
      this.#prove(Math.min(this.#beganMs, this.#sourceMs ?? this.#beganMs))
    } else {
      this.#movedMs = this.#takenMs ?? this.#movedMs ?? this.#beganMs
      this.#takenMs = undefined
    }
    this.#turned()
  }

  /** Records the end of a pass. `sourceCount` is the total number of keys at the source. */
  passed(pass: ReplicationPass, sourceCount: number): void {
    this.#totals.passes += 1
    if (pass.error !== undefined) this.#totals.failedPasses += 1
    this.#totals.written += pass.written
    this.#totals.deleted += pass.deleted
    this.#lastPassMs = pass.durationMs
    this.#left = {
      keys: sourceCount,
      held: pass.held.reduce((sum, {count}) => sum + count, 0),
      refused: pass.refused.length,
      hidden: pass.hidden,
      skipped: pass.skipped,
      index: pass.index > this.#left.index ? pass.index : this.#left.index,
    }
  }

  /** Records deletes that an approval has permitted, which belong to no pass. */
  deleted(count: number): void {
    this.#totals.deleted += count
  }

  failed(part: RetryingPart, error: unknown): void {
    const sinceMs = this.#failures.get(part)?.sinceMs ?? this.#clock.monotonicMs()
    this.#failures.set(part, {sinceMs, error})
    this.#turned()
  }

  answered(part: RetryingPart): void {
    const wasFailing = this.#failures.delete(part)
    if (part === 'source') this.#sourceMs = this.#clock.monotonicMs()
    const isBusy = this.#movedMs !== undefined || this.#takenMs !== undefined || this.#failures.size > 0
    if (part === 'source' && !isBusy && this.#currentMs !== undefined) this.#prove(this.#clock.monotonicMs())
    if (wasFailing) this.#turned()
  }

  status(): MappingStatus {
    const {clock: nowMs, wall} = {clock: this.#clock.monotonicMs(), wall: this.#clock.wallMs()}
    const toWall = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : wall - (nowMs - ms))
    const failure = this.#failure(nowMs)
    return {
      mapping: this.#mapping,
      state: this.#state(failure),
      lagMs: this.#lagMs(nowMs, failure),
      currentAtMs: toWall(this.#currentMs),
      equalAtMs: toWall(this.#equalMs),
      ...this.#left,
      retrying: failure && {
        part: failure.part,
        sinceMs: toWall(failure.sinceMs) ?? wall,
        reason: oneLine(failure.error),
      },
      ...this.#totals,
      lastPassMs: this.#lastPassMs,
    }
  }

  #prove(ms: number): void {
    this.#currentMs = Math.max(ms, this.#currentMs ?? ms)
    const {held, refused, hidden} = this.#left
    if (held + refused + hidden === 0) this.#equalMs = this.#currentMs
  }

  #lagMs(nowMs: number, failure: Failure | undefined): number {
    const sinceMs = Math.min(this.#movedMs ?? nowMs, this.#takenMs ?? nowMs)
    return nowMs - (failure ? Math.min(sinceMs, this.#currentMs ?? failure.sinceMs) : sinceMs)
  }

  /** Returns the failure that has lasted the longest. */
  #failure(nowMs: number): (Failure & {readonly part: RetryingPart}) | undefined {
    const failures = [...this.#failures].map(([part, failure]) => ({part, ...failure}))
    const [oldest] = failures.sort((a, b) => a.sinceMs - b.sinceMs)
    return oldest && nowMs - oldest.sinceMs >= noticedMs ? oldest : undefined
  }

  #state(failure: Failure | undefined): MappingStatus['state'] {
    if (failure) return 'retrying'
    if (this.#currentMs === undefined) return 'starting'
    return this.#movedMs === undefined && this.#takenMs === undefined ? 'current' : 'behind'
  }

  #turned(): void {
    const {held, refused, hidden} = this.#left
    const parts = this.#failure(this.#clock.monotonicMs())?.part ?? ''
    const turn = [this.#currentMs !== undefined, held > 0, refused > 0, hidden > 0, parts].join(' ')
    if (turn === this.#turn) return
    this.#turn = turn
    this.onTurn()
  }
}

const oneLine = (error: unknown): string => messageOf(error).replaceAll(/\s+/g, ' ').slice(0, longestReason)
