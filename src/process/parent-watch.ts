import type {Clock} from '../core/types.js'

const lookEveryMs = 200

/**
 * Resolves when the process that started this one, whose ID is `first`, has ended, or when the signal aborts. A process
 * whose parent has ended gets another parent. The ID of the parent itself proves nothing, because a new process may
 * soon have it.
 */
export async function parentEnd(first: number, clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    while (first <= 1 || process.ppid === first) await clock.sleep(lookEveryMs, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
