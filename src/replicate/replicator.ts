import {lateSignal} from '../core/cancel/late-signal.js'
import {linkSignal} from '../core/cancel/link-signal.js'
import {abortSignal, checkOptions} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {isTransient, PermissionError} from '../core/errors.js'
import {isHopeless} from '../core/hopeless.js'
import type {Outage} from '../core/outage.js'
import {retry} from '../core/retry.js'
import {Backoff} from '../core/time/backoff.js'
import {type CompleteOptions, completeOptions} from './complete-options.js'
import {followMapping} from './follow/follow-mapping.js'
import {merge} from './follow/merge-iterables.js'
import {watchApprovals} from './held/watch-approvals.js'
import {checkWithinDatacenter} from './mapping.js'
import {outageOf} from './outage.js'
import {MappingWorker, type Stops} from './pass/worker.js'
import {keepReporting, reportOnce} from './status/heartbeat.js'
import {type RivalKind, refuseRivals} from './status/rivals.js'
import type {Mapping, ReplicationPass, ReplicationPreview, Replicator, ReplicatorOptions} from './types.js'
import {watchHolds} from './undo/watch-holds.js'

const never = new AbortController().signal

function signalOf(call: string, options: {readonly signal?: AbortSignal}): AbortSignal {
  checkOptions(call, options, {signal: abortSignal})
  return options.signal ?? never
}

/**
 * Throws a UsageError if an option is not valid, or if destinations overlap. Sends nothing yet.
 * The caller owns both clients, and must not close them before the replicator has ended.
 *
 * @example
 * ```ts
 * await client.kv.put('orders/1', Buffer.from('apples'))
 * const mappings = [parseMapping('orders/@dc1:copy/orders/')]
 * const [pass] = await createReplicator(client, {mappings}).runOnce()
 * pass?.written // => 1
 * ```
 */
export function createReplicator(destination: ConsulClient, options: ReplicatorOptions): Replicator {
  const complete = completeOptions(destination, options)
  const workers = complete.mappings.map(mapping => new MappingWorker(complete, mapping))
  return {
    runOnce: async (call = {}) => passOnceEach(workers, complete, signalOf('replicator.runOnce', call)),
    preview: async (call = {}) => previewEach(workers, complete, signalOf('replicator.preview', call)),
    run(call) {
      checkOptions('replicator.run', call, {signal: abortSignal}, ['signal'])
      return followAll(workers, complete, call.signal)
    },
    status: () => workers.map(({monitor}) => monitor.status()),
  }
}

async function passOnceEach(
  workers: readonly MappingWorker[],
  options: CompleteOptions,
  signal: AbortSignal,
): Promise<readonly ReplicationPass[]> {
  await begin(workers, options, signal)
  using late = lateSignal(signal, {lateMs: options.graceMs, clock: options.clock})
  const passes: ReplicationPass[] = []
  let failure: unknown
  for (const worker of workers) {
    try {
      const pass = await passOnce(worker, options, {stop: signal, kill: late.signal})
      passes.push(pass)
      options.observer({type: 'pass.finished', pass})
    } catch (error) {
      signal.throwIfAborted()
      failure ??= error
    } finally {
      await reportOnce(worker, options, {phase: 'finished', signal: late.signal})
    }
    signal.throwIfAborted()
  }
  if (failure !== undefined) throw failure
  return passes
}

async function previewEach(
  workers: readonly MappingWorker[],
  options: CompleteOptions,
  signal: AbortSignal,
): Promise<readonly ReplicationPreview[]> {
  await checkDatacenters(workers, options, signal)
  await loadHolds(workers, options, signal)
  const previews: ReplicationPreview[] = []
  for (const worker of workers) {
    using outage = passOutage(worker, options)
    const look = async () => worker.preview(await worker.readSides(signal), signal)
    previews.push(await retryTransient(options, {signal, outage}, look))
  }
  return previews
}

async function* followAll(
  workers: readonly MappingWorker[],
  options: CompleteOptions,
  signal: AbortSignal,
): AsyncGenerator<ReplicationPass, void, undefined> {
  try {
    await begin(workers, {...options, attempts: Number.POSITIVE_INFINITY}, signal)
  } catch (error) {
    if (signal.aborted) return
    throw error
  }
  using late = lateSignal(signal, {lateMs: options.graceMs, clock: options.clock})
  using link = linkSignal(signal)
  const stops = {stop: link.signal, kill: late.signal}
  const helpers = [
    watchHolds(workers, options, link.signal),
    ...workers.flatMap(worker => [watchApprovals(worker.approvals(stops)), keepReporting(worker, options, stops)]),
  ]
  try {
    const passes = merge(workers.map(worker => followMapping(worker, options, stops)))
    for await (const pass of passes) {
      options.observer({type: 'pass.finished', pass})
      yield pass
    }
  } finally {
    link.abort(undefined)
    await Promise.all(helpers)
  }
}

/**
 * Makes one pass. If a failure ends it early, the next pass makes the missing changes; the result is the sum of all.
 */
async function passOnce(worker: MappingWorker, options: CompleteOptions, stops: Stops): Promise<ReplicationPass> {
  const sum = {written: 0, deleted: 0, durationMs: 0}
  using outage = passOutage(worker, options)
  return await retryTransient(options, {signal: stops.stop, outage}, async () => {
    await worker.carryOutApprovals(stops)
    worker.monitor.began()
    const pass = await worker.pass(await worker.readSides(stops.stop), stops)
    worker.monitor.ended(pass.error === undefined)
    sum.written += pass.written
    sum.deleted += pass.deleted
    sum.durationMs += pass.durationMs
    if (pass.error !== undefined) throw pass.error
    return {...pass, ...sum}
  })
}

/** Retries after transient failures, with back-off, as often as the options allow. */
async function retryTransient<T>(
  options: CompleteOptions,
  {signal, outage}: {readonly signal: AbortSignal; readonly outage: Outage},
  attempt: () => Promise<T>,
): Promise<T> {
  const {clock, attempts, destination} = options
  const backoff = new Backoff({random: destination.random, maxMs: 5000})
  const result = await retry(() => outage.watch(attempt), {
    signal,
    clock,
    backoff,
    attempts,
    isRetryable: error => isTransient(error) && !isHopeless(error),
  })
  outage.end()
  return result
}

const passOutage = (worker: MappingWorker, options: CompleteOptions): Outage =>
  outageOf({...options, part: 'pass', mapping: worker.mapping, monitors: [worker.monitor]})

/**
 * Refuses mappings that work against each other, or against those of another replicator that runs. The reports are
 * written before the second look, so that of two replicators that start together at least one sees the other.
 */
async function begin(workers: readonly MappingWorker[], options: CompleteOptions, signal: AbortSignal): Promise<void> {
  await checkDatacenters(workers, options, signal)
  await lookForRivals(workers, options, {signal, kind: 'all'})
  for (const worker of workers) await reportOnce(worker, options, {phase: 'running', signal})
  await lookForRivals(workers, options, {signal, kind: 'earlier'})
  await loadHolds(workers, options, signal)
}

/** Reads what undos have restored, before the first pass could change it again. */
async function loadHolds(
  workers: readonly MappingWorker[],
  options: CompleteOptions,
  signal: AbortSignal,
): Promise<void> {
  for (const worker of workers) {
    using outage = passOutage(worker, options)
    try {
      await retryTransient(options, {signal, outage}, () => worker.loadHolds(signal))
    } catch (error) {
      if (!(error instanceof PermissionError)) throw error
    }
  }
}

async function lookForRivals(
  workers: readonly MappingWorker[],
  options: CompleteOptions,
  {signal, kind}: {readonly signal: AbortSignal; readonly kind: RivalKind},
): Promise<void> {
  const monitors = workers.map(({monitor}) => monitor)
  using outage = outageOf({...options, part: 'destination', monitors})
  try {
    await retryTransient(options, {signal, outage}, () => refuseRivals(options, kind, {signal}))
  } catch (error) {
    if (!(error instanceof PermissionError)) throw error
    options.logger.warn(
      {component: 'replicate', key: options.statusDir},
      'the token has no permission to read the status keys: other replicators of the destination are not looked for',
    )
  }
}

/** Refuses mappings that share keys within one datacenter. The agent is asked for its datacenter if the options do not name it. */
async function checkDatacenters(
  workers: readonly MappingWorker[],
  options: CompleteOptions,
  signal: AbortSignal,
): Promise<void> {
  if (!options.isOneAddress) return
  const {destination, mappings} = options
  using outage = outageOf({...options, part: 'agent', monitors: workers.map(({monitor}) => monitor)})
  const own =
    destination.scope.datacenter ??
    (await retryTransient(options, {signal, outage}, () => ownDatacenter(options, signal)))
  const isLocal = (mapping: Mapping): boolean => mapping.datacenter === undefined || mapping.datacenter === own
  checkWithinDatacenter(mappings, isLocal)
}

async function ownDatacenter({destination, logger}: CompleteOptions, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await destination.agent.self({signal})).datacenter
  } catch (error) {
    if (!(error instanceof PermissionError)) throw error
    logger.warn(
      {component: 'replicate'},
      "the token has no permission to read the agent's datacenter: overlaps with the source are not checked",
    )
    return undefined
  }
}
