import {uptime} from 'node:os'
import {monotonicMs} from './clock.js'

/** Milliseconds since boot, counted on while the machine sleeps and untouched by steps of the wall clock. */
export type BootTime = () => number

const sleepAtLeastMs = 50
let offsetMs: number | undefined

/**
 * CLOCK_BOOTTIME in effect: the monotonic clock for the fine grain, the uptime (10 ms grain) for the time slept.
 * All processes of one machine read the same time.
 */
export const systemBootTime: BootTime = () => {
  const steadyMs = monotonicMs()
  const bootMs = uptime() * 1000
  if (offsetMs === undefined || Math.abs(bootMs - steadyMs - offsetMs) > sleepAtLeastMs) {
    offsetMs = bootMs - steadyMs
  }
  return steadyMs + offsetMs
}
