import type {ConsulClient} from '../core/client.js'
import type {UserEvent} from '../core/types.js'
import {logPrefix} from './durable/durable-log.js'
import {watchDurable} from './durable/durable-watch.js'
import {EventState, type StateIdentity} from './intake/event-state.js'
import type {EventIntakeOptions} from './intake/intake.js'
import type {EventNotice} from './notices.js'
import {checkStream} from './option-rules.js'
import {watchEvents} from './ring/watcher.js'
import {type EventStream, logNotices, WatchStream} from './stream.js'

const defaultMaxWaiting = 1024
/**
 * Identity of a state that is kept only in memory. It is never compared with an agent's identity, and asking the agent
 * for its real name would need a permission.
 */
const unnamed: StateIdentity = {datacenter: 'unknown', node: ''}

/** Options that control where a stream of events starts, when it ends, and which events it remembers. */
export interface EventStreamOptions
  extends Pick<EventIntakeOptions, 'from' | 'afterCrash' | 'accepts' | 'orderWindowMs' | 'maxWaiting'> {
  /**
   * A file that records handled events, so that a later stream continues where this one ended and each event is
   * delivered at least once. Only one reader can use the file at a time.
   * @default nothing is recorded
   */
  readonly stateFile?: string
  /**
   * Ends the stream: the loop finishes its current event and receives no other.
   * @default the stream ends when it is disposed
   */
  readonly signal?: AbortSignal
  /**
   * Receives notices other than events. The result is not awaited, and the function must not throw.
   * @default missed events are logged
   */
  readonly observer?: (notice: EventNotice) => void
}

/** Options of {@link followEvents}. */
export interface FollowEventsOptions extends EventStreamOptions {
  /** Name of the events to follow. @default all names */
  readonly name?: string
}

/**
 * Returns a stream of the events that reach the agent from now on. Starts at once, and retries during outages. While
 * `maxWaiting` events (1024 by default) or more wait for the reader, no more events are requested from the agent. The
 * agent keeps only its newest 256 events; if it may have dropped events in the meantime, that is reported as
 * `events.missed`. The loop throws if Consul refuses the query or the state file cannot be used.
 *
 * @example
 * ```ts
 * await using events = followEvents(client, {name: 'deploy'})
 * await events.ready
 * await fireEvent(client, 'deploy', {payload: Buffer.from('v3')})
 * for await (const event of events) {
 *   event.payload?.toString() // => 'v3'
 *   break
 * }
 * ```
 */
export function followEvents(client: ConsulClient, options: FollowEventsOptions = {}): EventStream {
  checkStream('followEvents', {client}, options)
  const {name, accepts = () => true} = options
  const isWanted = (event: UserEvent): boolean => (name === undefined || event.name === name) && accepts(event)
  return openStream(client, options, {
    identity: async () => client.agent.self(),
    watch: (state, watchOptions) => watchEvents(client, {...watchOptions, state, accepts: isWanted}),
  })
}

/**
 * Returns a stream of the events of a durable log, in the order in which Consul created the entries. With a
 * `stateFile`, the stream also delivers events that were fired while no stream was open. The loop throws in the same
 * cases as with {@link followEvents}.
 *
 * @example
 * ```ts
 * await fireDurable(client, 'orders', {payload: Buffer.from('17')})
 * for await (const event of followDurable(client, 'orders', {from: 'earliest'})) {
 *   event.payload?.toString() // => '17'
 *   break
 * }
 * ```
 */
export function followDurable(
  client: ConsulClient,
  /** The name of the events, and of their log. */
  name: string,
  options: EventStreamOptions = {},
): EventStream {
  checkStream('followDurable', {client, name}, options)
  // Throws if no log can have this name, because it could overlap with another log.
  logPrefix(name)
  return openStream(client, options, {
    identity: async () => ({datacenter: (await client.agent.self()).datacenter, node: '', log: name}),
    watch: (state, watchOptions) => watchDurable(client, name, {...watchOptions, state}),
  })
}

function openStream(
  client: ConsulClient,
  options: EventStreamOptions,
  how: {
    readonly identity: () => Promise<StateIdentity>
    readonly watch: (state: EventState, options: Omit<EventIntakeOptions, 'state'>) => Promise<void>
  },
): EventStream {
  const {stateFile, signal, observer = logNotices(client), maxWaiting = defaultMaxWaiting, ...intake} = options
  return new WatchStream(
    async watchOptions => {
      await using state =
        stateFile === undefined ? EventState.inMemory(unnamed) : await EventState.open(stateFile, await how.identity())
      await how.watch(state, {...intake, ...watchOptions, maxWaiting})
    },
    observer,
    signal,
  )
}
