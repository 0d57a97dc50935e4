import {uptime} from 'node:os'

/** Milliseconds since boot, counted on while the machine sleeps and untouched by steps of the wall clock. */
export type BootTime = () => number

const sleepAtLeastMs = 50
let offsetMs: number | undefined

/**
 * CLOCK_BOOTTIME in effect: the monotonic clock for the fine grain, the uptime (10 ms grain) for the time slept.
 * All processes of one machine read the same time.
 */
export const systemBootTime: BootTime = () => {
  const monotonicMs = performance.now()
  const bootMs = uptime() * 1000
  if (offsetMs === undefined || Math.abs(bootMs - monotonicMs - offsetMs) > sleepAtLeastMs) {
    offsetMs = bootMs - monotonicMs
  }
  return monotonicMs + offsetMs
}
