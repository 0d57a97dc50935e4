import {lateSignal} from '../core/cancel/late-signal.js'
import type {ConsulClient} from '../core/client.js'
import {PermissionError} from '../core/errors.js'
import {retry} from '../core/retry.js'
import {Backoff} from '../core/time/backoff.js'
import {type Setup, toSetup} from './complete-options.js'
import {followMapping} from './follow/follow-mapping.js'
import {merge} from './follow/merge-iterables.js'
import {checkWithinDatacenter} from './mapping.js'
import {Outage} from './outage.js'
import {MappingWorker, type Stops} from './pass/worker.js'
import type {Mapping, ReplicationPass, ReplicationPreview, Replicator, ReplicatorOptions} from './types.js'

const never = new AbortController().signal

/**
 * Throws a UsageError for mappings that would work against each other. Sends nothing yet.
 * The clients stay the caller's, and must not be closed before the replicator has ended.
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
  const setup = toSetup(destination, options)
  const workers = setup.mappings.map(mapping => new MappingWorker(setup, mapping))
  return {
    async runOnce({signal = never} = {}) {
      await checkDatacenters(setup, signal)
      using late = lateSignal(signal, {lateMs: setup.graceMs, clock: setup.clock})
      const passes: ReplicationPass[] = []
      let failure: unknown
      for (const worker of workers) {
        try {
          const pass = await passOnce(worker, setup, {stop: signal, kill: late.signal})
          passes.push(pass)
          setup.observer({type: 'pass.finished', pass})
        } catch (error) {
          signal.throwIfAborted()
          failure ??= error
        }
        signal.throwIfAborted()
      }
      if (failure !== undefined) throw failure
      return passes
    },
    async preview({signal = never} = {}) {
      await checkDatacenters(setup, signal)
      const previews: ReplicationPreview[] = []
      for (const worker of workers) {
        using outage = new Outage({...setup, part: 'pass', mapping: worker.mapping})
        const look = async () => worker.preview(await worker.readSides(signal), signal)
        previews.push(await insist(setup, {signal, outage}, look))
      }
      return previews
    },
    async *run({signal}) {
      try {
        await checkDatacenters({...setup, attempts: Number.POSITIVE_INFINITY}, signal)
      } catch (error) {
        if (signal.aborted) return
        throw error
      }
      using late = lateSignal(signal, {lateMs: setup.graceMs, clock: setup.clock})
      const passes = merge(workers.map(worker => followMapping(worker, setup, {stop: signal, kill: late.signal})))
      for await (const pass of passes) {
        setup.observer({type: 'pass.finished', pass})
        yield pass
      }
    },
  }
}

/** A pass that was cut short is followed by another, which takes up what is missing. */
async function passOnce(worker: MappingWorker, setup: Setup, stops: Stops): Promise<ReplicationPass> {
  const sum = {written: 0, deleted: 0, durationMs: 0}
  using outage = new Outage({...setup, part: 'pass', mapping: worker.mapping})
  return await insist(setup, {signal: stops.stop, outage}, async () => {
    const pass = await worker.pass(await worker.readSides(stops.stop), stops)
    sum.written += pass.written
    sum.deleted += pass.deleted
    sum.durationMs += pass.durationMs
    if (pass.error !== undefined) throw pass.error
    return {...pass, ...sum}
  })
}

/** Repeats after transient failures, with back-off, as often as the setup allows. */
async function insist<T>(
  setup: Setup,
  {signal, outage}: {readonly signal: AbortSignal; readonly outage: Outage},
  attempt: () => Promise<T>,
): Promise<T> {
  const {clock, attempts, destination} = setup
  const backoff = new Backoff({random: destination.random, maxMs: 5000})
  const result = await retry(() => outage.watch(attempt), {signal, clock, backoff, attempts})
  outage.end()
  return result
}

/** Asked only where it matters: some source, read as itself, shares keys with a destination. */
async function checkDatacenters(setup: Setup, signal: AbortSignal): Promise<void> {
  if (!setup.isOneAddress) return
  const {destination, mappings} = setup
  using outage = new Outage({...setup, part: 'agent'})
  const own =
    destination.scope.datacenter ?? (await insist(setup, {signal, outage}, () => ownDatacenter(setup, signal)))
  const isLocal = (mapping: Mapping): boolean => mapping.datacenter === undefined || mapping.datacenter === own
  checkWithinDatacenter(mappings, isLocal)
}

async function ownDatacenter({destination, logger}: Setup, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await destination.agent.self({signal})).datacenter
  } catch (error) {
    if (!(error instanceof PermissionError)) throw error
    logger.warn({component: 'replicate'}, "the token may not ask for the agent's datacenter: not checked")
    return undefined
  }
}
