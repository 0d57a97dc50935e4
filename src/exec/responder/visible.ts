import {whenAborted} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {BatonError} from '../../core/errors.js'
import {passingResponders} from '../initiator/targets.js'

const visibleWithinMs = 10_000
const visiblePollMs = 50
/** Minimum ratio of the pause after a read to the time of the read, because a read returns all responders. */
const pauseRatio = 4

interface VisibleOptions {
  readonly whenUp: <T>(attempt: () => Promise<T>) => Promise<T>
  readonly signal: AbortSignal
}

/**
 * Waits until the registration has reached the catalog. Only time during which Consul answers counts towards the limit.
 */
export async function untilVisible(
  client: ConsulClient,
  name: string,
  {whenUp, signal}: VisibleOptions,
): Promise<void> {
  const {clock} = client
  let deadlineMs = clock.monotonicMs() + visibleWithinMs
  for (;;) {
    const askedAtMs = clock.monotonicMs()
    if ((await whenUp(() => readNames(client, signal))).has(name)) return
    const tookMs = clock.monotonicMs() - askedAtMs
    deadlineMs += tookMs
    if (clock.monotonicMs() > deadlineMs) {
      throw new BatonError('BATON_TIMEOUT', `responder ${name}: registered, but not in the catalog after 10s`, {
        hint: "does the agent's token have service:write on baton-responder?",
      })
    }
    await clock.sleep(Math.max(visiblePollMs, pauseRatio * tookMs), signal)
  }
}

/** Reads that have begun, by client. */
const reads = new WeakMap<ConsulClient, Promise<ReadonlySet<string>>>()

/**
 * Resolves with the names of the passing responders. The responders of one client share a read, because each read
 * returns all of them.
 */
async function readNames(client: ConsulClient, signal: AbortSignal): Promise<ReadonlySet<string>> {
  let read = reads.get(client)
  if (!read) {
    read = passingResponders(client).finally(() => reads.delete(client))
    reads.set(client, read)
  }
  using aborted = whenAborted(signal)
  const names = await Promise.race([read, aborted.promise])
  signal.throwIfAborted()
  return names ?? new Set()
}
