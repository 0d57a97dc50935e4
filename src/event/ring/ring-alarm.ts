import type {UserEvent} from '../../core/types.js'
import type {EventState} from '../intake/event-state.js'

/** Events an agent keeps, whatever their names. */
const ringSize = 256

export interface RingAlarmOptions {
  readonly state: EventState
  /** Called when the ring has turned over between two looks: some events were never seen. */
  readonly onOverflow?: (facts: {readonly listed: number; readonly newest: string}) => void
}

/**
 * Notices that events may have passed unseen: a full ring that holds nothing known has turned over. So that this can be
 * told after a restart too, and is told once, the state always knows one of the newest events, whatever its name.
 */
export class RingAlarm {
  readonly #options: RingAlarmOptions
  #listed: ReadonlySet<string> = new Set()

  constructor(options: RingAlarmOptions) {
    this.#options = options
  }

  /** Looks at a whole list of the agent before it is taken in, and remembers it after. */
  async guard(list: readonly UserEvent[], takeIn: (list: readonly UserEvent[]) => Promise<void>): Promise<void> {
    const {state, onOverflow} = this.#options
    const isKnown = ({id}: UserEvent): boolean => this.#listed.has(id) || state.has(id)
    const isBlank = this.#listed.size === 0 && state.size === 0
    if (list.length >= ringSize && !isBlank && !list.some(isKnown)) {
      onOverflow?.({listed: list.length, newest: list.at(-1)?.id ?? ''})
    }
    await takeIn(list)
    this.#listed = new Set(list.map(event => event.id))
    const newest = list.at(-1)
    if (newest && !list.slice(-ringSize / 2).some(({id}) => state.has(id))) await state.finish([newest.id], 'seen')
  }
}
