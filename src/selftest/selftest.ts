import {linkSignal} from '../core/cancel/link-signal.js'
import {messageOf, PermissionError} from '../core/errors.js'
import {formatDuration} from '../core/time/duration.js'
import {proveExpiry, proveMutex, proveSemaphore} from './locks.js'
import {otherDatacenters, proveExec, proveReplication, proveWake} from './round-trips.js'
import type {Bench, Claim, Proof} from './types.js'

const proofs: readonly (readonly [Claim, (bench: Bench) => Promise<readonly Proof[]>])[] = [
  ['exclusion', proveMutex],
  ['semaphore', proveSemaphore],
  ['expiry', proveExpiry],
  ['wake', proveWake],
  ['exec', proveExec],
  ['replicate', proveReplication],
]

/** Time limit of each test in milliseconds. */
const proofMs = 45_000
/** Time limit of the clean-up in milliseconds. The clean-up also runs after a stop signal. */
const cleanUpMs = 10_000

/**
 * Tests on a cluster what baton relies on and what it promises. Uses a prefix that belongs to this run alone, and
 * finally removes everything that it wrote. The tests run at the same time, each for at most `limitMs` (45 s by
 * default). A failed test does not end the others. If the signal aborts, rejects after the clean-up.
 */
export async function runSelftest(bench: Bench, limitMs = proofMs): Promise<readonly Proof[]> {
  const {clock} = bench.client
  const onTimeout = (): Error => new Error(`not finished after ${formatDuration(limitMs)}`)
  const all = proofs.map(async ([check, prove]): Promise<readonly Proof[]> => {
    using limit = linkSignal(bench.signal, {timeoutMs: limitMs, clock, onTimeout})
    try {
      return await prove({...bench, signal: limit.signal})
    } catch (error) {
      return [{check, verdict: 'fail', text: messageOf(error), isDenied: error instanceof PermissionError}]
    }
  })
  const found = (await Promise.all(all)).flat()
  const controller = new AbortController()
  using _timer = clock.timer(cleanUpMs, () => controller.abort())
  const left = await cleanUp({...bench, signal: controller.signal})
  bench.signal.throwIfAborted()
  return [...found, left]
}

/** Removes the keys and sessions of this run, and checks whether anything is left. */
async function cleanUp({client, prefix, sessionName, signal}: Bench): Promise<Proof> {
  try {
    const datacenters = [undefined, ...(await otherDatacenters({client, signal}).catch(() => []))]
    for (const datacenter of datacenters) {
      const options = {signal, ...(datacenter !== undefined && {datacenter})}
      await client.kv.deleteTree(`${prefix}/`, options).catch((error: unknown) => {
        if (datacenter === undefined) throw error
      })
    }
    const sessions = (await client.session.list({signal})).value.filter(({name}) => name === sessionName)
    for (const {id} of sessions) await client.session.destroy(id, {signal})
    const keys = (await client.kv.keys(`${prefix}/`, {signal, consistency: 'consistent'})).value
    if (keys.length > 0) return {check: 'clean', verdict: 'fail', text: `${keys.length} keys are left below ${prefix}/`}
    return {check: 'clean', verdict: 'ok', text: 'no key and no session of this run is left'}
  } catch (error) {
    return {check: 'clean', verdict: 'fail', text: `look below ${prefix}/: ${messageOf(error)}`}
  }
}
