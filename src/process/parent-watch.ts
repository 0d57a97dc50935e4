import type {Clock} from '../core/types.js'

const lookEveryMs = 200

/**
 * Resolves when the process that started this one has ended, or when the signal aborts. `first` is the ID of
 * that process. When a parent ends, the system gives the process another parent, so a changed parent ID is
 * the proof; whether a process with the ID `first` exists proves nothing, because the ID may soon be reused.
 */
export async function parentEnd(first: number, clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    while (first <= 1 || process.ppid === first) await clock.sleep(lookEveryMs, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
