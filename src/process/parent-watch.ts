import type {Clock} from '../core/types.js'

const lookEveryMs = 200

/**
 * Resolves when the process that started this one, whose ID `first` is, has ended, and never without one. Aborting the
 * signal ends the watch, and it resolves then, too.
 * The system reports another parent then: the ID of a process that has ended may soon belong to a new one.
 */
export async function parentEnd(first: number, clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    while (first <= 1 || process.ppid === first) await clock.sleep(lookEveryMs, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
