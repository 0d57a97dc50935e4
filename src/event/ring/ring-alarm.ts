import type {UserEvent} from '../../core/types.js'
import type {EventState} from '../intake/event-state.js'
import type {MissedEvents} from '../notices.js'

/** Events an agent keeps, whatever their names. */
const ringSize = 256

export interface RingAlarmOptions {
  readonly state: EventState
  /** Wall clock, in milliseconds. */
  readonly wallMs: () => number
  /**
   * True if the lists hold events of all names. Only then does a short list that lacks a known event show a restart: in
   * a list of one name, events of other names push the known ones out.
   */
  readonly isWhole: boolean
  readonly onMissed: (missed: MissedEvents) => void
}

/**
 * Notices that events may have passed unseen. An agent keeps the newest 256 events, and none across a restart: a full
 * list without anything known has turned over, and a shorter one without the newest known event comes from an agent that
 * was restarted. The state always knows one of the newest events, whatever its name, and whether the list was empty. So
 * either is noticed after a restart of the watch as well, and reported once.
 */
export class RingAlarm {
  readonly #options: RingAlarmOptions
  #last: {readonly ids: ReadonlySet<string>; readonly newest: string | undefined; readonly atMs: number} | undefined

  constructor(options: RingAlarmOptions) {
    this.#options = options
  }

  /** Looks at a whole list of the agent before it is taken in, and remembers it after. */
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

  /** True if nothing is left of what an earlier watch knew. */
  #isForgotten(list: readonly UserEvent[]): boolean {
    const {state} = this.#options
    return !state.wasRingEmpty && !list.some(({id}) => state.has(id))
  }
}
