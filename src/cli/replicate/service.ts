import {formatDuration} from '../../core/time/duration.js'
import type {Clock, Logger, Timer} from '../../core/types.js'
import type {ServiceNotifier} from '../../process/service-notifier.js'
import {createReplicateRoutes} from '../../replicate/http/routes.js'
import type {MappingStatus, Replicator} from '../../replicate/types.js'
import {isLoopback, type ListenAddress} from '../../serve/listen.js'
import {openServer} from '../../serve/server.js'

/** Lag above which /readyz reports a failure. */
const mostLagMs = 60_000
const statusEveryMs = 10_000
const standingBy = 'standing by: waiting for the lock'

export interface ServiceOptions {
  readonly listen: ListenAddress | undefined
  readonly notifier: ServiceNotifier
  readonly clock: Clock
  readonly logger: Logger
}

/** The interface of a replicator that runs as a service: HTTP pages, and messages to the service manager. */
export interface ReplicatorService extends AsyncDisposable {
  /** Makes the pages and the messages show this replicator from now on. */
  show(replicator: Replicator): void
  reloading(): void
  /** Reports that a reload is complete, or has failed, and that the replicator shown last goes on. */
  reloaded(): void
  /** Reports that the service has started and waits for its lock. */
  standBy(): void
}

/**
 * Starts to serve the pages if an address is given. Disposing reports that the service is stopping, and closes the
 * pages.
 */
export async function openReplicatorService(options: ServiceOptions): Promise<ReplicatorService> {
  const {listen, notifier, clock, logger} = options
  let current: Replicator | undefined
  const read = (): readonly MappingStatus[] => current?.status() ?? []
  const server =
    listen && (await openServer({routes: () => createReplicateRoutes({read, mostLagMs}), listen, clock, logger}))
  if (server) logger.info({url: server.url}, 'listening')
  if (listen && !isLoopback(listen.host))
    logger.warn({...listen}, 'every client that can reach this address can read the status')
  const timers = [
    ...(notifier.watchdogMs === undefined
      ? []
      : [repeat(clock, notifier.watchdogMs / 2, () => void notifier.notify('WATCHDOG=1'))]),
    repeat(
      clock,
      statusEveryMs,
      changes(notifier, () => summary(read())),
    ),
  ]
  return {
    show: replicator => {
      current = replicator
      void notifier.notify('READY=1', summary(read()))
    },
    standBy: () => {
      current = undefined
      void notifier.notify('READY=1', standingBy)
    },
    reloading: () => void notifier.notify('RELOADING=1'),
    reloaded: () => void notifier.notify('READY=1', current ? summary(read()) : standingBy),
    async [Symbol.asyncDispose]() {
      for (const timer of timers) timer[Symbol.dispose]()
      await notifier.notify('STOPPING=1', 'stopping')
      await server?.[Symbol.asyncDispose]()
    },
  }
}

/** Returns a function that sends the text to the service manager if it has changed. */
function changes(notifier: ServiceNotifier, text: () => string): () => void {
  let last = ''
  return () => {
    const next = text()
    if (next !== last) void notifier.notify(undefined, next)
    last = next
  }
}

function repeat(clock: Clock, everyMs: number, run: () => void): Disposable {
  let timer: Timer
  const arm = (): void => {
    timer = clock.timer(everyMs, fire, {ref: false})
  }
  const fire = (): void => {
    run()
    arm()
  }
  arm()
  return {[Symbol.dispose]: () => timer[Symbol.dispose]()}
}

/** Returns a line about all mappings for `systemctl status`. */
function summary(statuses: readonly MappingStatus[]): string {
  const count = (word: string, number: number): readonly string[] => (number === 0 ? [] : [`${number} ${word}`])
  const sum = (name: 'held' | 'refused'): number => statuses.reduce((all, status) => all + status[name], 0)
  const inState = (...states: readonly MappingStatus['state'][]): number =>
    statuses.filter(({state}) => states.includes(state)).length
  const lagMs = Math.max(0, ...statuses.map(status => status.lagMs))
  const parts = [
    ...count('up to date', inState('current', 'behind')),
    ...count('in the first copy', inState('starting')),
    ...count(`waiting for Consul, ${formatDuration(Math.round(lagMs / 60_000) * 60_000)} behind`, inState('retrying')),
    ...count('deletes held', sum('held')),
    ...count('keys set aside', sum('refused')),
  ]
  return parts.length === 0 ? 'starting' : parts.join(', ')
}
