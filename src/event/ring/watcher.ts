import type {ConsulClient} from '../../core/client.js'
import {follow} from '../../core/query/follow.js'
import {events as eventTopic} from '../../core/query/topics.js'
import type {FollowStatus} from '../../core/query/types.js'
import {type IntakeOptions, runIntake} from '../intake/intake.js'
import {type MissedEvents, RingAlarm} from './ring-alarm.js'

/** Which events, what to do with each, and what to remember. */
export interface EventWatchOptions extends IntakeOptions {
  /** Called when events may have passed unseen: the agent's list has turned over, or the agent was restarted. */
  readonly onMissed?: (missed: MissedEvents) => void
  readonly onStatus?: (status: FollowStatus) => void
  /** Called after the first list: from now on nothing is missed. */
  readonly onReady?: (listed: number) => void
}

/**
 * Hands every event that reaches the agent to the handler, across restarts when the state has a file: with
 * `rerun` at least once, with `skip` at most once. Outages are outlived.
 * Runs until the signal aborts (then resolves, after the handlers under way) or something cannot be mended (then rejects).
 *
 * @example
 * ```ts
 * const stop = new AbortController()
 * await watchEvents(client, {
 *   state: EventState.inMemory(await client.agent.self()),
 *   signal: stop.signal,
 *   accepts: event => event.name === 'release',
 *   onReady: () => void fireEvent(client, 'release', {payload: Buffer.from('v3')}),
 *   handle: async events => {
 *     events.map(event => event.payload?.toString()) // => ['v3']
 *     stop.abort()
 *   },
 *   onDead: async (_events, error) => Promise.reject(error),
 * })
 * ```
 */
export async function watchEvents(client: ConsulClient, options: EventWatchOptions): Promise<void> {
  await runIntake(client, options, async (intake, signal) => {
    const {state, onStatus, onMissed = () => {}} = options
    const alarm = new RingAlarm({state, isWhole: true, wallMs: () => client.clock.wallMs(), onMissed})
    let isFirst = true
    for await (const {snapshot} of follow(eventTopic(client), client, {signal, ...(onStatus && {onStatus})})) {
      await alarm.guard(snapshot.value, list => intake.receive(list))
      if (isFirst) options.onReady?.(snapshot.value.length)
      isFirst = false
    }
  })
}
