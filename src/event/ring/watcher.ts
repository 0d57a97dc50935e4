import type {ConsulClient} from '../../core/client.js'
import {follow} from '../../core/query/follow.js'
import {events as eventTopic} from '../../core/query/topics.js'
import {type EventIntakeOptions, runIntake} from '../intake/intake.js'
import type {EventNotice} from '../notices.js'
import {checkWatch} from '../option-rules.js'
import {OutageReport} from '../outage-report.js'
import {RingAlarm} from './ring-alarm.js'

/**
 * Maximum pause between retries. An agent keeps 256 events, so a longer pause after an outage could itself cause
 * losses.
 */
const maxPauseMs = 5000

/** Options of a watch of an agent's events. */
export interface EventWatchOptions extends EventIntakeOptions {
  /** Receives notices of the watch. Its result is never awaited, and it must not throw. */
  readonly observer?: (notice: EventNotice) => void
}

/**
 * Passes every event that reaches the agent to the handler, even across restarts if the state has a file: at least once
 * if `afterCrash` is `rerun`, at most once if it is `skip`. Retries during outages. Resolves when the signal has
 * aborted and the handlers in progress have ended. Rejects if Consul refuses the query, the state cannot be written, or
 * `handleDead` rejects.
 *
 * @example
 * ```ts
 * const stop = new AbortController()
 * await watchEvents(client, {
 *   state: EventState.inMemory(await client.agent.self()),
 *   signal: stop.signal,
 *   accepts: event => event.name === 'release',
 *   observer: ({type}) => {
 *     if (type === 'watch.started') void fireEvent(client, 'release', {payload: Buffer.from('v3')})
 *   },
 *   handle: async events => {
 *     events.map(event => event.payload?.toString()) // => ['v3']
 *     stop.abort()
 *   },
 *   handleDead: async (_events, error) => Promise.reject(error),
 * })
 * ```
 */
export async function watchEvents(client: ConsulClient, options: EventWatchOptions): Promise<void> {
  checkWatch('watchEvents', {client}, options)
  const {state, observer = () => {}} = options
  await runIntake(client, {...options, observer}, async (intake, signal) => {
    const alarm = new RingAlarm({
      state,
      isWhole: true,
      wallMs: () => client.clock.wallMs(),
      onMissed: missed => observer({type: 'events.missed', ...missed}),
    })
    const outage = new OutageReport(observer)
    let isFirst = true
    const answers = follow(eventTopic(client), client, {
      signal,
      maxPauseMs,
      onStatus: status => {
        if (status.type === 'retrying') outage.failed(status.error)
      },
    })
    for await (const {snapshot} of answers) {
      outage.answered()
      await alarm.guard(snapshot.value, list => intake.receive(list))
      if (isFirst) {
        observer({
          type: 'watch.started',
          listedCount: snapshot.value.length,
          isFiltered: snapshot.filteredByAcls,
        })
      }
      isFirst = false
      await intake.room()
    }
  })
}
