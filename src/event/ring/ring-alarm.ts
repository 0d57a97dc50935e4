import type {UserEvent} from '../../core/types.js'
import type {EventState} from '../intake/event-state.js'
import type {MissedEvents} from '../notices.js'

/** Number of events that an agent keeps, whatever their names. */
const ringSize = 256

export interface RingAlarmOptions {
  readonly state: EventState
  /** Returns the wall time in milliseconds. */
  readonly wallMs: () => number
  /**
   * True if the lists contain events of all names. Only then does the absence of a known event from a short list prove
   * a restart. In a list of one name, the event may be missing because events of other names have displaced it.
   */
  readonly isWhole: boolean
  readonly onMissed: (missed: MissedEvents) => void
}

/**
 * Detects that the watch may have missed events. An agent keeps the newest 256 events, and loses all of them when it
 * restarts. If a full list contains no known event, all events in it are new. If a shorter list lacks the newest known
 * event, the agent was restarted. The state always records one of the newest events, whatever its name, and whether the
 * list was empty. Both cases are therefore noticed even after a restart of the watch, and each is reported once.
 */
export class RingAlarm {
  readonly #options: RingAlarmOptions
  #last: {readonly ids: ReadonlySet<string>; readonly newest: string | undefined; readonly atMs: number} | undefined

  constructor(options: RingAlarmOptions) {
    this.#options = options
  }

  /**
   * Compares a complete list of the agent with the state before `takeIn` records the list, and remembers the list
   * afterwards.
   */
  async guard(list: readonly UserEvent[], takeIn: (list: readonly UserEvent[]) => Promise<void>): Promise<void> {
    const {state, wallMs, onMissed} = this.#options
    const untilMs = wallMs()
    const reason = this.#judge(list)
    if (reason) onMissed({reason, listedCount: list.length, sinceMs: this.#last?.atMs, untilMs})
    await takeIn(list)
    const newest = list.at(-1)?.id
    this.#last = {ids: new Set(list.map(event => event.id)), newest, atMs: untilMs}
    if (newest !== undefined && !list.slice(-ringSize / 2).some(({id}) => state.has(id))) {
      await state.finish([newest], 'seen')
    }
    await state.noteRing(newest === undefined)
  }

  #judge(list: readonly UserEvent[]): 'overflow' | 'restart' | undefined {
    const {state, isWhole} = this.#options
    const last = this.#last
    const isBlank = state.size === 0 && (last === undefined || last.newest === undefined)
    if (isBlank) return undefined
    if (list.length >= ringSize) {
      return list.some(({id}) => last?.ids.has(id) === true || state.has(id)) ? undefined : 'overflow'
    }
    if (!isWhole) return undefined
    const isLost = last
      ? last.newest !== undefined && !list.some(({id}) => id === last.newest)
      : this.#isForgotten(list)
    return isLost ? 'restart' : undefined
  }

  /** True if the list contains none of the events that an earlier watch recorded. */
  #isForgotten(list: readonly UserEvent[]): boolean {
    const {state} = this.#options
    return !state.wasRingEmpty && !list.some(({id}) => state.has(id))
  }
}
