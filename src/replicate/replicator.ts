import {isTransient, PermissionError} from '../core/errors.js'
import {Backoff} from '../core/time/backoff.js'
import {followMapping} from './follow/follow-mapping.js'
import {graceSignal} from './follow/grace.js'
import {merge} from './follow/merge.js'
import {checkWithinDatacenter} from './mapping.js'
import {MappingWorker, type Stops} from './pass/worker.js'
import {type Setup, toSetup} from './setup.js'
import type {Mapping, ReplicationPass, ReplicationPreview, Replicator, ReplicatorOptions} from './types.js'

const never = new AbortController().signal

/**
 * Throws a UsageError for mappings that would work against each other. Sends nothing yet.
 * The clients stay the caller's: they must outlive the replicator.
 *
 * @example
 * ```ts
 * await client.kv.put('orders/1', Buffer.from('apples'))
 * const mappings = [parseMapping('orders/@dc1:copy/orders/')]
 * const [pass] = await createReplicator({destination: client, mappings}).runOnce()
 * pass?.written // => 1
 * ```
 */
export function createReplicator(options: ReplicatorOptions): Replicator {
  const setup = toSetup(options)
  const workers = setup.mappings.map(mapping => new MappingWorker(setup, mapping))
  return {
    async runOnce({signal = never, onPass} = {}) {
      await checkDatacenters(setup, signal)
      using grace = graceSignal(signal, setup)
      const passes: ReplicationPass[] = []
      let failure: unknown
      for (const worker of workers) {
        try {
          const pass = await passOnce(worker, setup, {stop: signal, kill: grace.signal})
          passes.push(pass)
          onPass?.(pass)
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
        previews.push(await insist(setup, signal, async () => worker.preview(await worker.readSides(signal), signal)))
      }
      return previews
    },
    async *run({signal}) {
      try {
        await insist({...setup, attempts: Number.POSITIVE_INFINITY}, signal, () => checkDatacenters(setup, signal))
      } catch (error) {
        if (signal.aborted) return
        throw error
      }
      using grace = graceSignal(signal, setup)
      yield* merge(workers.map(worker => followMapping(worker, setup, {stop: signal, kill: grace.signal})))
    },
  }
}

/** A pass that was cut short is followed by another, which takes up what is missing. */
async function passOnce(worker: MappingWorker, setup: Setup, stops: Stops): Promise<ReplicationPass> {
  const sum = {written: 0, deleted: 0, durationMs: 0}
  return insist(setup, stops.stop, async () => {
    const pass = await worker.pass(await worker.readSides(stops.stop), stops)
    sum.written += pass.written
    sum.deleted += pass.deleted
    sum.durationMs += pass.durationMs
    if (pass.error !== undefined) throw pass.error
    return {...pass, ...sum}
  })
}

/** Repeats after transient failures, with back-off, as often as the setup allows. */
async function insist<T>(setup: Setup, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  const backoff = new Backoff({random: setup.destination.random, maxMs: 5000})
  for (;;) {
    signal.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      if (!isTransient(error) || backoff.attempts + 1 >= setup.attempts) throw error
      await setup.clock.sleep(backoff.next(), signal)
    }
  }
}

/** Asked only where it matters: some source, read as itself, shares keys with a destination. */
async function checkDatacenters(setup: Setup, signal: AbortSignal): Promise<void> {
  if (!setup.isOneAddress) return
  const {destination, mappings} = setup
  const own = destination.scope.datacenter ?? (await ownDatacenter(setup, signal))
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
