import {UsageError} from '../../core/errors.js'
import {createMutex} from '../../lock/mutex.js'
import type {Hold, LockEvent} from '../../lock/types.js'
import type {ReplicatorOptions} from '../../replicate/types.js'
import type {Opened} from './follow.js'

/**
 * Throws a UsageError if a mapping would write or delete the lock's own keys, or if the lock would not protect all
 * destinations.
 */
export function checkLock(prefix: string, {mappings}: Pick<ReplicatorOptions, 'mappings'>): void {
  const inside = mappings.find(({destination}) => `${prefix}/.lock`.startsWith(destination))
  if (inside) {
    throw new UsageError(
      `--lock: '${prefix}' is below the destination '${inside.destination}', whose keys are those of the source`,
      {
        hint: 'choose a key beside the copies',
      },
    )
  }
  if (mappings.some(({destinationClient}) => destinationClient)) {
    throw new UsageError('--lock: only for prefixes of one destination, where the lock is', {
      hint: "leave out the prefix's block 'to', or run it in a process of its own",
    })
  }
}

/** Waits for the lock. Logs once that it is waiting. */
export async function acquireLock(
  prefix: string,
  opened: Opened,
  {signal, say}: {readonly signal: AbortSignal; readonly say: (text: string) => void},
): Promise<Hold> {
  let isWaiting = false
  const observer = (event: LockEvent): void => {
    if (event.type === 'lock.waiting' && !isWaiting) {
      isWaiting = true
      say(`standing by: the lock ${prefix} is ${whyOf(event)}`)
    }
    if (event.type === 'lock.acquired' && isWaiting) say(`the lock ${prefix} is held: copying`)
  }
  const mutex = createMutex(opened.destination, {prefix, sessionName: 'baton replicate', observer})
  return await mutex.acquire({signal})
}

function whyOf(event: Extract<LockEvent, {type: 'lock.waiting'}>): string {
  if (event.reason === 'lock-delay') return 'in its lock-delay'
  if (event.reason === 'unreachable') return 'not known: Consul does not answer'
  return event.holder === undefined ? 'held by another process' : `held by ${event.holder}`
}
