import type {Clock} from '../core/types.js'

const lookEveryMs = 200

/**
 * Resolves when the process that started this one has ended, and never without one. Aborting the signal ends the watch.
 * The system reports another parent then: the ID of a process that has ended may soon belong to a new one.
 */
export async function parentEnd(
  clock: Clock,
  signal: AbortSignal,
  parent: () => number = () => process.ppid,
): Promise<void> {
  const first = parent()
  try {
    while (first <= 1 || parent() === first) await clock.sleep(lookEveryMs, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
