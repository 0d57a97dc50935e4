import type {Wake} from '../../core/time/wake.js'
import type {Clock} from '../../core/types.js'

export interface QuiescenceOptions {
  readonly minMs: number
  readonly maxMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Resolves when there was no wake-up for `minMs`, but after `maxMs` at the latest. Rejects with the signal's reason.
 */
export async function waitForQuiescence(wake: Wake, options: QuiescenceOptions): Promise<void> {
  const {clock, minMs, maxMs} = options
  const endMs = clock.monotonicMs() + maxMs
  for (;;) {
    const leftMs = endMs - clock.monotonicMs()
    if (leftMs <= 0 || !(await wake.waitAtMost(Math.min(minMs, leftMs), options))) return
  }
}
